/**
 * The browser's half of a pass (petition/blindsign/passes.py is the server's). It makes the secret `w` and the
 * numbers that hide the pass from the issuer. The value sent for a stamp reveals nothing about the pass.
 */
import { MalformedEncoding, b64u, concat, unb64u, unhex } from "./encoding.js";
import { blind, finalize } from "./rsabssa.js";

const VERSION = "P1.";
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
 *   `blinded` and `stamp` are base64url. `complete` returns the pass, or rejects with StampInvalid.
 *   Rejects with InsecureContext without https, and with MalformedEncoding for a malformed key or id
 */
export async function begin(issuer, campaign, known) {
  requireSecureContext();
  const spki = unb64u(issuer);
  const cid = unhex(campaign);
  if (cid.length !== CAMPAIGN_LENGTH) throw new MalformedEncoding("A campaign's id has 32 digits.");
  const w = known ? unb64u(known.w, SECRET_LENGTH) : crypto.getRandomValues(new Uint8Array(SECRET_LENGTH));
  const message = concat(label("petition/pass/v1"), cid, await withdrawHash(w));
  const { blinded, prefix, salt, prepared, inverse } = await blind(spki, message, known && read(known));
  const complete = async (stamp) => {
    const signature = await finalize(spki, prepared, unb64u(stamp), inverse);
    return VERSION + b64u(concat(w, prefix, signature));
  };
  const secrets = { w: b64u(w), prefix: b64u(prefix), salt: b64u(salt), inverse: inverse.toString(16) };
  return { blinded: b64u(blinded), secrets, complete };
}

function read({ prefix, salt, inverse }) {
  return { prefix: unb64u(prefix), salt: unb64u(salt), rInverse: BigInt(`0x${inverse}`) };
}

/**
 * @param {string} text a pass; white space around it is ignored
 * @returns {{w: Uint8Array, r: Uint8Array, sig: Uint8Array}} throws PassMalformed unless the encoding is canonical
 */
export function decode(text) {
  const trimmed = text.trim();
  if (!trimmed.startsWith(VERSION)) throw new PassMalformed(`A pass starts with ${VERSION}`);
  const raw = rawPass(trimmed.slice(VERSION.length));
  return { w: raw.slice(0, 32), r: raw.slice(32, 64), sig: raw.slice(64) };
}

/** @param {string} text a pass @returns {string} the secret that withdraws its signature: `w` in base64url */
export function withdrawToken(text) {
  return b64u(decode(text).w);
}

function rawPass(text) {
  try {
    return unb64u(text, RAW_LENGTH);
  } catch {
    throw new PassMalformed("A pass is 430 characters of base64url, copied whole.");
  }
}

function requireSecureContext() {
  if (globalThis.isSecureContext && globalThis.crypto?.subtle) return;
  throw new InsecureContext("This page was not loaded over https, so the browser offers no cryptography.");
}

async function withdrawHash(w) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(label("petition/withdraw/v1"), w)));
}

function label(text) {
  return new TextEncoder().encode(`${text}\0`);
}
