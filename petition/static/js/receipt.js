/**
 * Receipts: the text that is kept, and the status of its signature. Only the leaf hash of a receipt and its ticket are
 * ever sent. The hash is public as soon as the signature is in the ledger; the ticket opens the signature's own status. On the receipt page, this module also handles the form.
 */
import { b64u, concat, unb64u } from "./encoding.js";
import { Refused, call, clearErrors, filled, showErrors, word } from "./page.js";

const WATCH_FOR = 15 * 60_000;
const FIRST_PAUSE = 1500;
const LONGEST_PAUSE = 20_000;
/** The by_epoch of a promise for the next batch: 2^64 - 1, rounded up because a JavaScript number cannot hold it. */
const NEXT_BATCH = /("by_epoch":)18446744073709552000(?=[,}])/;
const PASS_START = "P2.".length;
const PASS_LENGTH = 320;
const SHOWS = ["comment", "name", "role", "show", "team"]; // of a body, as they stand in its canonical form
const SIGNED = ["entry", "salt", "body", "ticket", "promise", "by_epoch"];
const PARTS = [...SIGNED, "w0"];
const CHANGED = ["commitment", "salt", "body"];

/** @param {object} receipt of a signature, as the API gives it @returns {object} its parts, and nothing more */
export const partsSigned = (receipt) => partsOf(receipt, SIGNED);

/** @param {object} receipt of a change, as the API gives it @returns {object} its parts, and nothing more */
export const partsChanged = (receipt) => partsOf(receipt, CHANGED);

function partsOf(receipt, names) {
  return Object.fromEntries(names.map((name) => [name, receipt[name]]));
}

/** @param {object} receipt as it is kept @param {{campaign: string, origin: string}} page @returns {string} the text to keep */
export function receiptText(receipt, { campaign, origin }) {
  return JSON.stringify({ campaign, origin, ...receipt }).replace(NEXT_BATCH, (_, key) => `${key}18446744073709551615`);
}

/** @returns {string} the name of a receipt's file: it has the day, to tell several apart, and nothing of the letter */
export function receiptFile() {
  return `receipt-${new Date().toISOString().slice(0, 10)}.json`;
}

/** @param {string} text @param {string} campaign 32 hexadecimal digits @returns {object|null} the receipt, if it is one of this campaign */
export function read(text, campaign) {
  try {
    const receipt = JSON.parse(text);
    return receipt.campaign === campaign && PARTS.every((part) => part in receipt) ? receipt : null;
  } catch {
    return null;
  }
}

/**
 * @param {object} receipt as the API gives it
 * @param {string} pass the pass that was sent, without its secret
 * @param {object} choice the fields that were sent with it
 * @returns {Promise<boolean>} whether its entry is the line of this pass with this choice. The promise is left to verify.py,
 *   because not every browser knows the ledger's kind of key. Spaces and composed letters (NFC) do not count.
 */
export async function isReceiptOf({ entry, salt, body }, pass, choice) {
  try {
    const raw = unb64u(pass.slice(PASS_START), PASS_LENGTH);
    const [w, r, s] = [raw.slice(0, 32), raw.slice(32, 64), raw.slice(64)].map(b64u);
    const c = await commitment(unb64u(salt, 32), body);
    const line = JSON.stringify({ c, d: ["*"], g: JSON.parse(entry).g, r, s, t: "sign", v: 2, w });
    return entry === line && showsChoice(body, choice);
  } catch {
    return false;
  }
}

/**
 * @param {object|undefined} receipt of a change, as the API gives it
 * @param {object} choice the fields that were sent
 * @returns {Promise<boolean>} whether it commits to what it shows, and shows this choice
 */
export async function isReceiptOfChange(receipt, choice) {
  try {
    const { commitment: c, salt, body } = receipt;
    return c === (await commitment(unb64u(salt, 32), body)) && showsChoice(body, choice);
  } catch {
    return false;
  }
}

/** Whether a body has the fields of a body, as they were chosen. The site composes letters and drops needless spaces. */
function showsChoice(body, choice) {
  const chose = SHOWS.every((name) => tidy(body[name]) === tidy(choice[name] ?? ""));
  return chose && Object.keys(body).length === SHOWS.length;
}

async function commitment(salt, body) {
  const canonical = JSON.stringify(Object.fromEntries(SHOWS.map((name) => [name, body[name]])));
  const covered = concat(new TextEncoder().encode("petition/body/v2\0"), salt, new TextEncoder().encode(canonical));
  return b64u(new Uint8Array(await crypto.subtle.digest("SHA-256", covered)));
}

function tidy(text) {
  return text.normalize("NFC").trim().replaceAll(/\s+/g, " ");
}

/** RFC 9162 §2.1.1. @param {string} entry the ledger's line @returns {Promise<string>} base64url */
export async function leafHash(entry) {
  const leaf = concat(new Uint8Array(1), new TextEncoder().encode(entry));
  return b64u(new Uint8Array(await crypto.subtle.digest("SHA-256", leaf)));
}

/** Shows the status of a signature, and polls until it has left the queue or the page shows something else. */
export async function watchStatus(receipt, page) {
  const leaf = await leafHash(receipt.entry);
  const until = Date.now() + WATCH_FOR;
  let pause = FIRST_PAUSE;
  while (Date.now() < until && document.getElementById("standing")) {
    const now = await call(`${page.api}/receipt/${leaf}?lang=${page.lang}`, undefined, { "Petition-Ticket": receipt.ticket }).catch((refused) => refused);
    if (now.status === 404) return now;
    if (!(now instanceof Refused)) showStatus(now);
    if (now.state && now.state !== "pending") return now;
    await new Promise((resume) => setTimeout(resume, pause));
    pause = Math.min(pause * 1.3, LONGEST_PAUSE);
  }
  return null;
}

/** While the count is not public, the answer has no epoch. */
function showStatus({ state, epoch, why }) {
  const line = document.getElementById("standing");
  if (!line) return;
  const name = why ? `${state}-${why}` : state === "logged" && epoch === undefined ? "logged-unnumbered" : state;
  const sentence = document.getElementById("standings").content.querySelector(`[data-state="${name}"]`);
  const text = filled(sentence.textContent, { epoch });
  if (line.textContent !== text) line.textContent = text;
  line.dataset.state = state;
}

function handleForm(page) {
  const form = document.getElementById("look-form");
  const { receipt: area, file } = form.elements;
  file.addEventListener("change", async () => {
    if (file.files.length) area.value = await file.files[0].text();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    lookUp(form, area.value, page.dataset);
  });
}

async function lookUp(form, text, page) {
  clearErrors(form);
  const shown = document.getElementById("looked-up");
  shown.replaceChildren();
  const receipt = read(text, page.campaign);
  if (!receipt) return showErrors(form, { receipt: [word("not-a-receipt")] });
  fetchShown(form.dataset.offer, receipt).then((section) => { if (section) shown.replaceChildren(section); }, () => {});
  const found = await watchStatus(receipt, page);
  if (found instanceof Refused) showErrors(form, { receipt: [word("unknown")] });
}

/** Returns what the signature shows now, as the page for changes says it, or null if it shows nothing any more. */
async function fetchShown(address, { entry, ticket }) {
  const body = new URLSearchParams({ leaf: await leafHash(entry), ticket });
  const answer = await fetch(address, { method: "POST", body, credentials: "omit", cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const section = answer.ok ? page.getElementById("shows-now") : null;
  return section && document.adoptNode(section);
}

const lookup = document.getElementById("lookup");
if (lookup && globalThis.isSecureContext && globalThis.crypto?.subtle) handleForm(lookup);
