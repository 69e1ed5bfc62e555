/** Converts bytes to and from canonical base64url without padding, as petition/core/encoding.py does. */

/** This text is not the canonical base64url encoding of a value of the expected length. */
export class MalformedEncoding extends Error {
  name = "MalformedEncoding";
}

/** @param {Uint8Array} bytes @returns {string} */
export function b64u(bytes) {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * @param {string} text
 * @param {number} [length] the required number of bytes
 * @returns {Uint8Array}
 */
export function unb64u(text, length) {
  const bytes = lenient(text);
  if (b64u(bytes) !== text || (length !== undefined && bytes.length !== length)) {
    throw new MalformedEncoding("This is not base64url of the expected length in its one legal spelling.");
  }
  return bytes;
}

/** @param {string} hex an even number of digits, in lower case @returns {Uint8Array} */
export function unhex(hex) {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new MalformedEncoding("This is not hexadecimal.");
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {Uint8Array} bytes @returns {string} */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {...Uint8Array} parts @returns {Uint8Array} */
export function concat(...parts) {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function lenient(text) {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (char) => char.charCodeAt(0));
  } catch {
    throw new MalformedEncoding("This is not base64url.");
  }
}
