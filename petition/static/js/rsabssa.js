/**
 * The client's half of RSABSSA-SHA384-PSS-Randomized (RFC 9474 §4.1, §4.2, §4.4): blind a message, and turn
 * the issuer's stamp into a signature, which WebCrypto verifies before use. The server's half, and the
 * reasons for the key's format, are in petition/blindsign/rsabssa.py. Each secret number is used for one message only.
 */
import { concat, hex, unb64u } from "./encoding.js";

const HASH_LENGTH = 48;
const SALT_LENGTH = 48;
const PREFIX_LENGTH = 32;
const SCHEME = { name: "RSA-PSS", hash: "SHA-384", saltLength: SALT_LENGTH };

/** This stamp was not made by this key for the blinded value. */
export class StampInvalid extends Error {
  name = "StampInvalid";
}

/**
 * @param {Uint8Array} spki the issuer's key, SubjectPublicKeyInfo
 * @param {Uint8Array} message
 * @param {{prefix?: Uint8Array, salt?: Uint8Array, rInverse?: bigint}} [known] values to repeat an earlier call, or the RFC's test vectors
 * @returns {Promise<{blinded: Uint8Array, prefix: Uint8Array, salt: Uint8Array, prepared: Uint8Array, inverse: bigint}>}
 */
export async function blind(spki, message, known = {}) {
  const { n, e, bits } = await publicKey(spki);
  const prefix = known.prefix ?? random(PREFIX_LENGTH);
  const prepared = concat(prefix, message);
  const salt = known.salt ?? random(SALT_LENGTH);
  const encoded = integer(await encodePss(prepared, salt, bits - 1));
  invert(encoded, n); // throws for a message that shares a factor with the key, as RFC 9474 requires
  const inverse = known.rInverse ?? nonzeroBelow(n);
  const blinded = (encoded * power(invert(inverse, n), e, n)) % n;
  return { blinded: octets(blinded, bits), prefix, salt, prepared, inverse };
}

/**
 * @param {Uint8Array} spki
 * @param {Uint8Array} prepared as `blind` returned it
 * @param {Uint8Array} stamp from the issuer
 * @param {bigint} inverse as `blind` returned it
 * @returns {Promise<Uint8Array>} the signature over `prepared`; rejects with StampInvalid unless it verifies
 */
export async function finalize(spki, prepared, stamp, inverse) {
  const { key, n, bits } = await publicKey(spki);
  if (stamp.length * 8 === bits) {
    const signature = octets((integer(stamp) * inverse) % n, bits);
    if (await crypto.subtle.verify(SCHEME, key, signature, prepared)) return signature;
  }
  throw new StampInvalid("This stamp was not made by this key over the value that was blinded.");
}

async function publicKey(spki) {
  const key = await crypto.subtle.importKey("spki", spki, SCHEME, true, ["verify"]);
  const { n, e } = await crypto.subtle.exportKey("jwk", key);
  return { key, n: integer(unb64u(n)), e: integer(unb64u(e)), bits: key.algorithm.modulusLength };
}

/** EMSA-PSS-ENCODE (RFC 8017 §9.1.1). */
async function encodePss(message, salt, bits) {
  const length = Math.ceil(bits / 8);
  const digest = await sha384(concat(new Uint8Array(8), await sha384(message), salt));
  const block = new Uint8Array(length - HASH_LENGTH - 1);
  block.set([1, ...salt], block.length - salt.length - 1);
  const mask = await mgf1(digest, block.length);
  const masked = block.map((byte, i) => byte ^ mask[i]);
  masked[0] &= 0xff >> (8 * length - bits);
  return concat(masked, digest, Uint8Array.of(0xbc));
}

/** MGF1 (RFC 8017 appendix B.2.1); the counter stays below 256, so three of its bytes are zero. */
async function mgf1(seed, length) {
  const count = Math.ceil(length / HASH_LENGTH);
  const rounds = Array.from({ length: count }, (_, i) => sha384(concat(seed, [0, 0, 0, i])));
  return concat(...(await Promise.all(rounds))).slice(0, length);
}

async function sha384(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-384", bytes));
}

function power(base, exponent, modulus) {
  let result = 1n;
  for (; exponent > 0n; exponent >>= 1n, base = (base * base) % modulus) {
    if (exponent & 1n) result = (result * base) % modulus;
  }
  return result;
}

/** The extended Euclidean algorithm. A number without an inverse would share a factor with the key. */
function invert(value, modulus) {
  let [previous, current, before, now] = [modulus, value, 0n, 1n];
  while (current > 0n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [before, now] = [now, before - quotient * now];
  }
  if (previous !== 1n) throw new RangeError("This number has no inverse.");
  return before < 0n ? before + modulus : before;
}

/** Returns a uniform number in [1, n), by rejection sampling. The modulus fills its bytes. */
function nonzeroBelow(n) {
  const length = n.toString(16).length / 2;
  let candidate = 0n;
  while (candidate === 0n || candidate >= n) candidate = integer(random(length));
  return candidate;
}

function random(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

function integer(bytes) {
  return BigInt(`0x${hex(bytes)}`);
}

function octets(value, bits) {
  const digits = value.toString(16).padStart(Math.ceil(bits / 8) * 2, "0");
  return Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
}
