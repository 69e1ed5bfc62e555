/**
 * Changing a signature. The secret of a receipt stays in the memory of this page. The page finds the signature by the leaf
 * hash and the ticket of its receipt, or by the public hash of the secret if no receipt was kept. Each act sends one value
 * of the secret's chain. The same forms work as plain pages.
 */
import { chosen, showSummary, typed, updateFields } from "./choice.js";
import { LAST_ACT, decode, publicHash, reveal } from "./pass.js";
import { Refused, announceKept, call, enableButtons, handleSubmit, save, showErrors, word } from "./page.js";
import { isReceiptOfChange, leafHash, partsChanged, read, receiptFile, receiptText } from "./receipt.js";
import { warnBeforeLeaving } from "./tab.js";

const SECRET_CHARACTERS = 43;
const USED = ":value-used";
const ENDED = new Set(["withdrawn", "removed"]);

/**
 * Asks for what can be changed, and shows it in place of this page's content.
 * @param {HTMLFormElement} form gets the error messages
 * @param {string} text what was kept: a receipt, a pass with its secret, or the secret
 * @param {string} campaign 32 hexadecimal digits
 */
export async function showOffer(form, text, campaign) {
  const kept = await parse(text, campaign);
  if (!kept) return showErrors(form, { receipt: [word("not-a-receipt")] });
  const offer = await fetchOffer(form.dataset.offer, kept);
  const main = document.getElementById("main");
  main.replaceChildren(main.querySelector(".exit"), main.querySelector(".state"), offer);
  document.querySelector(".languages")?.closest("nav")?.remove(); // another language would lose what is typed here
  offer.querySelectorAll("form").forEach((each) => startAct(each, kept, offer));
  offer.querySelector("h1").focus();
}

/** Returns the secret, the receipt if there is one, and what finds the signature; or null for any other text. */
async function parse(text, campaign) {
  const trimmed = text.trim().replace(/^"+|"+$/g, "");
  try {
    if (trimmed.startsWith("P2.")) return await withoutReceipt((await decode(trimmed)).w0);
    if (trimmed.length === SECRET_CHARACTERS) return await withoutReceipt(trimmed);
    const receipt = read(text, campaign);
    const { entry, ticket, w0 } = receipt;
    if (JSON.parse(entry).w !== (await publicHash(w0))) return null;
    return { w0, receipt, found: { leaf: await leafHash(entry), ticket } };
  } catch {
    return null;
  }
}

async function withoutReceipt(w0) {
  return { w0, receipt: null, found: { hw: await publicHash(w0) } };
}

/** Returns the content of the server's answer. It rejects with Refused, with the sentences of the answer. */
async function fetchOffer(address, { found }) {
  const options = { method: "POST", body: new URLSearchParams(found), credentials: "omit", cache: "no-store" };
  let answer;
  let page;
  try {
    answer = await fetch(address, options);
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    throw new Refused(0, word("away"));
  }
  const content = page.getElementById("change");
  if (answer.ok && content) return document.adoptNode(content);
  const sentences = [...page.querySelectorAll("#errors li")].map(({ textContent }) => textContent.trim());
  const named = answer.status === 404 ? "receipt" : "";
  throw new Refused(answer.status, "", { [named]: sentences.length ? sentences : [word("away")] });
}

/* The acts */

function startAct(form, kept, offer) {
  const { used, amends, api, lang } = offer.dataset;
  const { act } = form.dataset;
  const before = act === "amend" ? startChoice(form) : "";
  handleSubmit(form, async () => {
    const choice = act === "amend" ? typed(form) : null;
    const repeats = amends && choice && JSON.stringify(choice) === before;
    const more = choice ? chosen(form) : {};
    const first = Math.min(used - (repeats ? 1 : 0), LAST_ACT);
    const { receipt, state } = await perform(`${api}/${act}?lang=${lang}`, kept.w0, first, more);
    if (!choice) return showDone(offer, ENDED.has(state) ? state : "hidden");
    if (!(await isReceiptOfChange(receipt, more))) throw new Refused(0, word("another-change"));
    return showChanged(offer, kept, partsChanged(receipt), (list) => showSummary(list, choice, form));
  });
}

/** Returns what the form holds at first: the change that waits, if one does. */
function startChoice(form) {
  const update = () => {
    updateFields(form);
    showSummary(form.querySelector("#shown"), typed(form), form);
  };
  update();
  form.addEventListener("input", update);
  return JSON.stringify(typed(form));
}

/**
 * Acts with one value of the chain. If it was used by an act in between, perhaps in another tab, it acts with the next
 * one, once: whoever said so again and again would get the whole chain.
 */
async function perform(address, w0, number, more, again = true) {
  try {
    return await call(address, { ...more, withdraw: await reveal(w0, number) });
  } catch (refused) {
    if (!again || number === LAST_ACT || !refused.type?.endsWith(USED)) throw refused;
    return perform(address, w0, number + 1, more, false);
  }
}

function showChanged(offer, { receipt }, change, summarize) {
  const text = receipt && receiptText({ ...receipt, ...change }, receipt);
  showStage(offer, "changed");
  summarize(document.getElementById("public"));
  if (!text) return;
  const field = document.getElementById("receipt");
  field.value = text;
  warnBeforeLeaving(true);
  field.addEventListener("kept", () => warnBeforeLeaving(false));
  offer.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    save(text, receiptFile());
    announceKept(field);
  });
}

function showDone(offer, state) {
  warnBeforeLeaving(false);
  showStage(offer, `done-${state}`);
}

function showStage(offer, template) {
  const stage = document.getElementById(template).content.cloneNode(true);
  offer.replaceChildren(stage, document.getElementById("words"));
  enableButtons(offer);
  offer.querySelector("h1").focus();
}

/* The page that asks for the receipt */

function start(root) {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle) return;
  document.documentElement.classList.add("scripted");
  const form = root.querySelector("form");
  const { receipt, file } = form.elements;
  handleSubmit(form, async () => {
    const text = receipt.value.trim() ? receipt.value : await file.files[0]?.text().catch(() => "");
    await showOffer(form, text ?? "", root.dataset.campaign);
  });
}

const asking = document.querySelector("#change[data-stage=ask]");
if (asking) start(asking);
