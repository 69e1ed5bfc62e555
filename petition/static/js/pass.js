/**
 * The browser's half of a pass (petition/blindsign/passes.py is the server's). It makes the secret `w0`, from which a
 * chain of nine values follows, and the numbers that hide the pass from the issuer. The value sent for a stamp reveals
 * nothing about the pass, and the secret never leaves the browser.
 */
import { MalformedEncoding, b64u, concat, unb64u, unhex } from "./encoding.js";
import { blind, finalize } from "./rsabssa.js";

const VERSION = "P2.";
const STEPS = 8;
/** The number of the last act of a signer, which reveals the secret itself. */
export const LAST_ACT = STEPS;
const SECRET_LENGTH = 32;
const SIGNATURE_LENGTH = 256;
const RAW_LENGTH = 2 * SECRET_LENGTH + SIGNATURE_LENGTH;
const CAMPAIGN_LENGTH = 16;

/** Browsers provide cryptography only on https and on localhost. */
export class InsecureContext extends Error {
  name = "InsecureContext";
}

/** This text is not a pass. */
export class PassMalformed extends Error {
  name = "PassMalformed";
}

/**
 * Starts a pass. Send `blinded` with the code, then call `complete` with the `stamp` of the response.
 * @param {string} issuer the campaign's issuer key: SubjectPublicKeyInfo in base64url
 * @param {string} campaign the campaign's id: 32 hexadecimal digits
 * @param {object} [known] `secrets` of an earlier start, to repeat it byte for byte when its stamp was lost
 * @returns {Promise<{blinded: string, secrets: object, complete: (stamp: string) => Promise<string>}>}
 *   `blinded` and `stamp` are base64url. `complete` returns the pass and its secret, or rejects with StampInvalid.
 *   Rejects with InsecureContext without https, and with MalformedEncoding for a malformed key or id
 */
export async function begin(issuer, campaign, known) {
  requireSecureContext();
  const spki = unb64u(issuer);
  const cid = unhex(campaign);
  if (cid.length !== CAMPAIGN_LENGTH) throw new MalformedEncoding("A campaign's id has 32 digits.");
  const w0 = known ? unb64u(known.w0, SECRET_LENGTH) : crypto.getRandomValues(new Uint8Array(SECRET_LENGTH));
  const hw = await secretHash(w0);
  const message = concat(label("petition/pass/v2"), cid, hw);
  const { blinded, prefix, salt, prepared, inverse } = await blind(spki, message, known && read(known));
  const complete = async (stamp) => {
    const signature = await finalize(spki, prepared, unb64u(stamp), inverse);
    return `${VERSION}${b64u(concat(hw, prefix, signature))}.${b64u(w0)}`;
  };
  const secrets = { w0: b64u(w0), prefix: b64u(prefix), salt: b64u(salt), inverse: inverse.toString(16) };
  return { blinded: b64u(blinded), secrets, complete };
}

function read({ prefix, salt, inverse }) {
  return { prefix: unb64u(prefix), salt: unb64u(salt), rInverse: BigInt(`0x${inverse}`) };
}

/**
 * @param {string} text what a signer keeps: a pass, a dot and its secret; white space around it is ignored
 * @returns {Promise<{pass: string, w0: string}>} the pass, which is sent, and the secret in base64url, which stays here;
 *   rejects with PassMalformed unless both encodings are canonical and the secret is that of the pass
 */
export async function decode(text) {
  const { pass, w0, raw, secret } = parts(text);
  const hash = await secretHash(secret);
  if (b64u(hash) !== b64u(raw.slice(0, SECRET_LENGTH))) throw new PassMalformed("This secret is of another pass.");
  return { pass, w0 };
}

/** @param {string} text @returns {boolean} whether this has the form of a pass with its secret, which is known at once */
export function looksLikePass(text) {
  try {
    return parts(text) !== null;
  } catch {
    return false;
  }
}

function parts(text) {
  const [, pass, w0] = /^(P2\.[^.]+)\.([^.]+)$/.exec(text.trim()) ?? [];
  if (!pass) throw new PassMalformed(`A pass starts with ${VERSION} and ends with a dot and its secret.`);
  return { pass, w0, raw: unpacked(pass.slice(VERSION.length), RAW_LENGTH), secret: unpacked(w0, SECRET_LENGTH) };
}

/**
 * @param {string} w0 the secret in base64url
 * @param {number} number of the signer's act: 0 for the first one, 8 for the last one
 * @returns {Promise<string>} the value of the chain that this act reveals, in base64url
 */
export async function reveal(w0, number) {
  let value = unb64u(w0, SECRET_LENGTH);
  for (let step = number; step < STEPS; step += 1) value = await sha256("petition/step/v2", value);
  return b64u(value);
}

/**
 * @param {string} w0 the secret in base64url
 * @returns {Promise<string>} the hash of its chain, in base64url, which the ledger shows; rejects with MalformedEncoding
 */
export async function publicHash(w0) {
  return b64u(await secretHash(unb64u(w0, SECRET_LENGTH)));
}

function unpacked(text, length) {
  try {
    return unb64u(text, length);
  } catch {
    throw new PassMalformed("A pass and its secret are base64url, copied whole.");
  }
}

function requireSecureContext() {
  if (globalThis.isSecureContext && globalThis.crypto?.subtle) return;
  throw new InsecureContext("This page was not loaded over https, so the browser offers no cryptography.");
}

async function secretHash(w0) {
  return sha256("petition/withdraw/v1", unb64u(await reveal(b64u(w0), 0)));
}

async function sha256(name, value) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(label(name), value)));
}

function label(text) {
  return new TextEncoder().encode(`${text}\0`);
}
