/**
 * The step of signing that this tab is at, so that a reload, Back or another language does not lose it. Browsers write
 * sessionStorage to a disk, so it holds only ciphertext; the key is with the server, which gets nothing else, for half an
 * hour. When the server cannot be reached signing goes on, and only a reload is not survived.
 */
import { b64u, unb64u } from "./encoding.js";

const SLOT = "step";
const LIFE = 30 * 60_000;
const RENEWED_AFTER = 15 * 60_000;
const RETRIED_AFTER = 30_000;
const PATIENCE = 3000;
const BLOCK = 4096; // all steps have one length, whatever was typed
const IV_LENGTH = 12;
const ALGORITHM = "AES-GCM";

let held = null; // { id, key, since }
let refused = 0;
let latest = null;
let writing = null;
let ending = 0;
let turn = 0;

/** What is kept cannot be read just now; it may be later. */
export class Unreadable extends Error {
  name = "Unreadable";
}

/** Keeps a step in place of the one before. @param {object} step @returns {Promise<void>} once it is kept, or cannot be */
export function keep(step) {
  latest = step;
  writing ??= write().finally(() => { writing = null; });
  return writing;
}

/** @returns {boolean} whether there is something to recall */
export function keeps() {
  return stored() !== null;
}

/** @returns {Promise<object|null>} the step that was kept; rejects with Unreadable when the server is away */
export async function recall() {
  const slot = stored();
  if (!slot) return null;
  const answer = slot.until > Date.now() ? await ask("read", { id: slot.id }) : { status: 404 };
  if (answer.status === 404) return forget();
  if (!answer.ok) throw new Unreadable(`The server answered ${answer.status}.`);
  const key = await imported(unb64u((await answer.json()).key));
  const step = await open(key, slot.sealed).catch(() => null);
  if (step) hold({ id: slot.id, key, since: slot.until - LIFE });
  return step;
}

/** Nothing is kept any more, here and there. */
export function forget() {
  const id = held?.id ?? stored()?.id;
  turn += 1;
  [held, latest] = [null, null];
  clearTimeout(ending);
  try {
    sessionStorage.removeItem(SLOT);
  } catch {} // no storage, nothing stored
  if (id) ask("forget", { id }).catch(() => {});
  return null;
}

async function write() {
  while (latest) {
    const [step, mine] = [latest, turn];
    latest = null;
    const before = held?.id;
    const { id, key, since } = (await currentKey(mine)) ?? {};
    if (!id) return;
    const sealed = await seal(key, step);
    if (mine !== turn) continue;
    store({ id, until: since + LIFE, sealed });
    if (before && before !== id) ask("forget", { id: before }).catch(() => {});
  }
}

/** The key of this tab; a new one when there is none or it has lived half its life. */
async function currentKey(mine) {
  const fresh = held && Date.now() - held.since < RENEWED_AFTER;
  if (fresh || Date.now() - refused < RETRIED_AFTER) return held;
  const [id, raw] = [b64u(random(16)), random(32)];
  const answer = await ask("keep", { id, key: b64u(raw) }).catch(() => ({ ok: false }));
  if (mine !== turn) return null;
  if (answer.ok) hold({ id, key: await imported(raw), since: Date.now() });
  else refused = Date.now();
  return held;
}

function hold(found) {
  held = found;
  clearTimeout(ending);
  ending = setTimeout(forget, found.since + LIFE - Date.now());
}

function ask(what, body) {
  return fetch(`/tab-key/${what}`, {
    method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    credentials: "omit", cache: "no-store", keepalive: true, signal: AbortSignal.timeout(PATIENCE),
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
  } catch {} // a browser that stores nothing for pages: only a reload is not survived
}

function random(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

/* Leaving */

let unsaved = false;
let ours = false;

/** Whether this page holds what would be lost with it; the browser then asks before it leaves. */
export function warn(about) {
  if (about !== unsaved) globalThis[about ? "addEventListener" : "removeEventListener"]("beforeunload", hesitate);
  unsaved = about;
}

/** What follows this click is the way on, not away. */
export function goesOn() {
  ours = true;
  setTimeout(() => { ours = false; }, 1000);
}

function hesitate(event) {
  if (!ours) event.preventDefault();
}

/** Gone at once: nothing is asked, nothing stays. */
export function abandon() {
  warn(false);
  forget();
}
