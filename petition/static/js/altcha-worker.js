/**
 * Solves the proof of work that precedes the mailing of a code, in a worker, so that the page stays responsive.
 * The challenge has ALTCHA's second format with the algorithm SHA-256, as the `altcha` package makes it: find the
 * counter for which SHA-256(salt ‖ nonce ‖ counter in four bytes), `cost` times, starts with `keyPrefix`.
 *
 * Use it as a module worker: post a challenge. It posts `{counter}` from time to time, and finally `{payload}`
 * (base64, the input of altcha.verify_solution) or `{error}`. Stop it with terminate(). It implements SHA-256 itself
 * (FIPS 180-4 §6.2), because each WebCrypto call returns a promise, which is slow for messages this short.
 */
import { hex, unhex } from "./encoding.js";

const REPORT_EVERY = 8192;
const LAST_COUNTER = 0xffffffff;
const PRIMES = firstPrimes(64);
const ROUND = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const schedule = new Int32Array(64);

/** This challenge has no solution, or none that this worker can find. */
export class Unsolvable extends Error {
  name = "Unsolvable";
}

/**
 * @param {{parameters: {algorithm: string, nonce: string, salt: string, cost: number, keyLength: number,
 *   keyPrefix: string, expiresAt?: number}, signature?: string}} challenge
 * @param {(counter: number) => void} [progress]
 * @returns {string} base64 payload
 */
export function solve(challenge, progress = () => {}) {
  const { algorithm, nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  if (algorithm !== "SHA-256") throw new Unsolvable(`The algorithm ${algorithm} is not known here.`);
  const started = performance.now();
  const message = Uint8Array.of(...unhex(salt), ...unhex(nonce), 0, 0, 0, 0);
  const tail = new DataView(message.buffer, message.length - 4);
  const expected = prefixTest(keyPrefix);
  for (let counter = 0; counter <= LAST_COUNTER; counter += 1) {
    tail.setUint32(0, counter);
    const key = iterated(message, cost);
    if (expected(key)) {
      const derivedKey = hex(key.subarray(0, keyLength));
      return base64({ challenge, solution: { counter, derivedKey, time: performance.now() - started } });
    }
    if (counter % REPORT_EVERY === REPORT_EVERY - 1) report(challenge, counter, progress);
  }
  throw new Unsolvable("No counter answers this challenge.");
}

/** SHA-256. @param {Uint8Array} message @returns {Uint8Array} 32 bytes */
export function sha256(message) {
  const padded = new DataView(new ArrayBuffer(((message.length + 8) >> 6) * 64 + 64));
  new Uint8Array(padded.buffer).set(message);
  padded.setUint8(message.length, 0x80);
  padded.setUint32(padded.byteLength - 4, message.length * 8);
  const state = START.slice();
  for (let offset = 0; offset < padded.byteLength; offset += 64) compress(state, padded, offset);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setInt32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

function compress(state, data, offset) {
  for (let t = 0; t < 16; t += 1) schedule[t] = data.getInt32(offset + 4 * t);
  for (let t = 16; t < 64; t += 1) {
    const [w15, w2] = [schedule[t - 15], schedule[t - 2]];
    const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
    const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
    schedule[t] = schedule[t - 16] + s0 + schedule[t - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t += 1) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const t1 = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + ROUND[t] + schedule[t]) | 0;
    const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0;
    h = g; g = f; f = e; e = (d + t1) | 0;
    d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] += word; });
}

function iterated(message, cost) {
  let key = sha256(message);
  for (let round = 1; round < cost; round += 1) key = sha256(key);
  return key;
}

/** Compares whole bytes, then the half byte that an odd number of digits leaves. */
function prefixTest(prefix) {
  const whole = unhex(prefix.slice(0, prefix.length & ~1));
  const half = prefix.length % 2 ? parseInt(prefix.at(-1), 16) : null;
  const ends = (key) => half === null || key[whole.length] >> 4 === half;
  return (key) => whole.every((byte, i) => key[i] === byte) && ends(key);
}

function report({ parameters: { expiresAt } }, counter, progress) {
  if (expiresAt && expiresAt * 1000 < Date.now()) throw new Unsolvable("The challenge expired.");
  progress(counter);
}

function base64(value) {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function rotate(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

/** Returns the first 32 bits after the point, from which FIPS 180-4 §4.2.2 and §5.3.3 derive the constants. */
function fraction(root) {
  return ((root % 1) * 2 ** 32) | 0;
}

function firstPrimes(count) {
  const primes = [];
  for (let n = 2; primes.length < count; n += 1) if (primes.every((prime) => n % prime)) primes.push(n);
  return primes;
}

function answer({ data: challenge }) {
  try {
    postMessage({ payload: solve(challenge, (counter) => postMessage({ counter })) });
  } catch (error) {
    postMessage({ error: error.message });
  }
}

const insideWorker = globalThis.WorkerGlobalScope && globalThis instanceof WorkerGlobalScope;
if (insideWorker) globalThis.addEventListener("message", answer);
