/**
 * Stores the current step of signing, so that a reload, Back or a change of language does not lose it. Browsers write
 * sessionStorage to disk, so it contains only ciphertext. The server keeps the key for half an hour, and gets nothing
 * else. If the server cannot be reached, signing still works, but a reload loses the step until a key could be kept.
 */
import { b64u, unb64u } from "./encoding.js";

const SLOT = "step";
const LIFE = 30 * 60_000;
const RENEWED_AFTER = 15 * 60_000;
const RETRIED_AFTER = 30_000;
const TIMEOUT = 3000;
const BLOCK = 4096; // all stored steps have the same length, whatever was typed
const IV_LENGTH = 12;
const ALGORITHM = "AES-GCM";

let current = null; // { id, key, since }
let refused = 0;
let latest = null;
let writing = null;
let ending = 0;
let retrying = 0;
let generation = 0;

/** The stored step cannot be read now, but may be readable later. */
export class Unreadable extends Error {
  name = "Unreadable";
}

/** Stores a step in place of the previous one. @param {object} step @returns {Promise<void>} when it is stored or cannot be */
export function storeStep(step) {
  latest = step;
  writing ??= write().finally(() => { writing = null; });
  return writing;
}

/** @returns {boolean} whether a step is stored */
export function hasStoredStep() {
  return stored() !== null;
}

/** @returns {Promise<object|null>} the stored step; rejects with Unreadable if the server cannot be reached */
export async function loadStep() {
  const slot = stored();
  if (!slot) return null;
  const answer = slot.until > Date.now() ? await ask("read", { id: slot.id }) : { status: 404 };
  if (answer.status === 404) return forget();
  if (!answer.ok) throw new Unreadable(`The server answered ${answer.status}.`);
  const key = await imported(unb64u((await answer.json()).key));
  const step = await open(key, slot.sealed).catch(() => null);
  if (step) setKey({ id: slot.id, key, since: slot.until - LIFE });
  return step;
}

/** Deletes the stored step here and its key on the server. */
export function forget() {
  const id = current?.id ?? stored()?.id;
  generation += 1;
  [current, latest] = [null, null];
  clearTimeout(ending);
  clearTimeout(retrying);
  try {
    sessionStorage.removeItem(SLOT);
  } catch {} // without storage, nothing is stored
  if (id) ask("forget", { id }).catch(() => {});
  return null;
}

async function write() {
  while (latest) {
    const [step, started] = [latest, generation];
    latest = null;
    const before = current?.id;
    const { id, key, since } = (await currentKey(started)) ?? {};
    if (started !== generation) continue;
    if (!id) return retryLater(step);
    const sealed = await seal(key, step);
    if (started !== generation) continue;
    store({ id, until: since + LIFE, sealed });
    if (before && before !== id) ask("forget", { id: before }).catch(() => {});
  }
}

/** Stores the step once the server is asked for a key again, unless a newer step is stored before. */
function retryLater(step) {
  latest ??= step;
  clearTimeout(retrying);
  retrying = setTimeout(() => { if (latest) storeStep(latest); }, refused + RETRIED_AFTER - Date.now());
}

/** Returns the key of this tab. It makes a new one if there is none, or if half of its lifetime is over. */
async function currentKey(started) {
  const fresh = current && Date.now() - current.since < RENEWED_AFTER;
  if (fresh || Date.now() - refused < RETRIED_AFTER) return current;
  const [id, raw] = [b64u(random(16)), random(32)];
  const answer = await ask("keep", { id, key: b64u(raw) }).catch(() => ({ ok: false }));
  if (started !== generation) return null;
  if (answer.ok) setKey({ id, key: await imported(raw), since: Date.now() });
  else refused = Date.now();
  return current;
}

function setKey(found) {
  current = found;
  clearTimeout(ending);
  ending = setTimeout(forget, found.since + LIFE - Date.now());
}

function ask(what, body) {
  return fetch(`/tab-key/${what}`, {
    method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    credentials: "omit", cache: "no-store", keepalive: true, signal: AbortSignal.timeout(TIMEOUT),
  }).catch(() => { throw new Unreadable("The server cannot be reached."); });
}

function imported(raw) {
  return crypto.subtle.importKey("raw", raw, ALGORITHM, false, ["encrypt", "decrypt"]);
}

async function seal(key, step) {
  const iv = random(IV_LENGTH);
  const plain = new TextEncoder().encode(JSON.stringify(step));
  const padded = new Uint8Array(Math.ceil(plain.length / BLOCK) * BLOCK).fill(0x20);
  padded.set(plain);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: ALGORITHM, iv }, key, padded));
  return `${b64u(iv)}.${b64u(sealed)}`;
}

async function open(key, text) {
  const [iv, sealed] = text.split(".").map((part) => unb64u(part));
  return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt({ name: ALGORITHM, iv }, key, sealed)));
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(SLOT));
  } catch {
    return null;
  }
}

function store(slot) {
  try {
    sessionStorage.setItem(SLOT, JSON.stringify(slot));
  } catch {} // the browser has no storage for pages: a reload loses the step
}

function random(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

/* Leaving the page */

let hasUnsaved = false;
let leavingAllowed = false;

/** Sets whether the page has something to lose. If it has, the browser asks before leaving. */
export function warnBeforeLeaving(about) {
  if (about !== hasUnsaved) globalThis[about ? "addEventListener" : "removeEventListener"]("beforeunload", confirmLeaving);
  hasUnsaved = about;
}

/** This click leads to a next step, so it causes no warning. */
export function allowLeaving() {
  leavingAllowed = true;
  setTimeout(() => { leavingAllowed = false; }, 1000);
}

function confirmLeaving(event) {
  if (!leavingAllowed) event.preventDefault();
}

/** Leaves at once: without a question, and without stored data. */
export function abandon() {
  warnBeforeLeaving(false);
  forget();
}
