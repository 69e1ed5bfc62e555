/**
 * Signing on one page: prove that you work there, choose what is shown, check it, sign. The same forms work as plain pages;
 * this module handles them if the browser can make the pass itself. The pass and the receipt stay in this tab. The current
 * step survives a reload, Back and a change of language (tab.js). Back goes from step to step; the browser's history has
 * only the steps' names, without the receipt. The page sends the address, then the code with a blinded value, then the pass with the choices.
 */
import { showOffer } from "./change.js";
import { chosen, missing, showSummary, typed, updateFields } from "./choice.js";
import { codeStep } from "./code.js";
import { decode, looksLikePass } from "./pass.js";
import { Refused, announceKept, call, enableButtons, handleSubmit, save, showErrors, word } from "./page.js";
import { isReceiptOf, partsSigned, receiptFile, receiptText, watchStatus } from "./receipt.js";
import { allowLeaving, forget, hasStoredStep, loadStep, storeStep, warnBeforeLeaving } from "./tab.js";

const SPENT = "pass-spent";
const root = document.getElementById("signing");
const page = root?.dataset;
let step = null; // what the tab stores of the current step
let at = ""; // the step that is shown
let first = []; // the content of the first step, for the way back to it
let resuming = true; // a step that was stored replaces this page's place in the history
const code = codeStep({
  page, post, setStep, offerNextStep, showStage,
  whenDone: (pass) => showChoiceStep({ pass }),
});

function start() {
  enableButtons(root);
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle || !globalThis.Worker) return explainMissingFeatures();
  document.documentElement.classList.add("scripted");
  document.addEventListener("kept", ({ target }) => onKept(target)); // a receipt of a change, too, which replaces the page
  document.addEventListener("click", onLinkClick);
  document.addEventListener("submit", (event) => event.defaultPrevented || allowLeaving());
  addEventListener("popstate", ({ state }) => goBackTo(state?.at));
  first = [...document.getElementById("stage").childNodes];
  at = page.stage;
  if (at !== "receipt") history.replaceState({ at }, "");
  if (page.stage === "address") code.startAddress(document.getElementById("address-form"));
  if (page.stage === "choose") startChoiceStep();
  if (page.stage === "receipt") startReceiptStep();
  if (page.resumes) resume().finally(() => { resuming = false; });
  else resuming = false;
}

function explainMissingFeatures() {
  document.getElementById("no-secrets").hidden = page.stage !== "address";
}

/* The step that the tab has stored */

async function resume() {
  const stage = document.getElementById("stage");
  stage.hidden = hasStoredStep();
  const found = await loadStep().catch(() => { document.getElementById("unreadable").hidden = false; });
  stage.hidden = false;
  if (found?.campaign !== page.campaign) return;
  // If the letter was closed or paused meanwhile, the signer still gets back the pass or the receipt.
  if (found.step === "receipt") showReceipt(found);
  else if (found.step === "choose" && page.stage !== "over") showChoiceStep(found.wish, found.saved);
  else if (page.stage === "address") code.startCode(found);
}

function setStep(now) {
  step = { campaign: page.campaign, ...now };
  return storeStep(step);
}

/** A pass or a receipt was saved or copied, so nothing is lost when this page closes. */
function onKept({ id }) {
  if (id !== step?.step && !(id === "pass" && step?.step === "choose")) return;
  warnBeforeLeaving(false);
  if (id === "receipt") forget();
  else setStep({ ...step, saved: true });
}

/** Links to a next step cause no warning about leaving. */
function onLinkClick(event) {
  if (event.target.closest("a")?.matches(".languages a, #lead-on a, [href^='mailto:']")) allowLeaving();
  if (event.target.closest("[data-anew]")) showAddressStep();
}

/* Between the steps */

/**
 * Back, or forward. Who holds a pass stays at what is left to do, and a receipt stays. A place on this page, which a link
 * in a message leads to, is no step.
 */
function goBackTo(wanted) {
  if (!wanted || wanted === at) return;
  const form = document.getElementById("choose-form");
  document.getElementById("stays")?.toggleAttribute("hidden", form && ["choose", "check"].includes(wanted));
  if (at === "receipt") return;
  if (form) showPart(wanted === "check" ? "check" : "choose", { isNew: false });
  else if (wanted === "code" && step?.step === "code") code.startCode(step);
  else if (page.stage === "address") showAddressStep({ isNew: false });
}

function showAddressStep({ isNew = true } = {}) {
  const stage = document.getElementById("stage");
  if (at === "address") return;
  stage.replaceChildren(...first);
  enter("address", 1, isNew);
  code.startAddress(document.getElementById("address-form"), step?.address);
  stage.querySelector("h2").focus();
}

/** Marks the step in the list of steps and in the history. A browser writes its history to the disk: the receipt is not in it. */
function enter(name, number, isNew = true) {
  const replaces = resuming || (name === "choose" && at === "code");
  if (isNew && name !== "receipt" && history.state?.at !== name) history[replaces ? "replaceState" : "pushState"]({ at: name }, "");
  at = name;
  document.querySelector(".safety")?.toggleAttribute("hidden", name !== "address");
  document.querySelectorAll("#steps li").forEach((item, i) => {
    if (i + 1 === number) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
}

/** After an error with a next step: shows that step, and the message at the field that it is about. */
function offerNextStep(refused, type, field) {
  document.getElementById("lead-on").hidden = !refused.type?.endsWith(`:${type}`);
  return refused.status === 403 ? new Refused(403, "", { [field]: [refused.message] }) : refused;
}

/* Steps 2 and 3: choose, then check and sign */

/** @param {object} entered the pass, and what was typed so far @param {boolean} [saved] whether the pass was saved or copied */
function showChoiceStep(entered, saved = false) {
  const form = document.getElementById("choose-form") ?? showStage("choose-stage", 2, "choose").querySelector("form");
  fill(form, entered);
  warnBeforeLeaving(!saved);
  setStep({ step: "choose", wish: entered, saved });
  startChoiceStep(form);
}

function startChoiceStep(form = document.getElementById("choose-form")) {
  const already = form.dataset.taken;
  updateFields(form);
  if (already) return;
  form.dataset.taken = "yes";
  form.addEventListener("input", () => {
    updateFields(form);
    const entered = typed(form);
    if (looksLikePass(entered.pass)) setStep({ step: "choose", wish: entered, saved: step?.saved ?? true });
  });
  document.getElementById("change-choice").addEventListener("click", () => showPart("choose"));
  handleSubmit(form, () => (at === "check" ? sign(form) : check(form)));
}

function fill(form, entered) {
  for (const [name, value] of Object.entries(entered)) {
    const field = form.elements.namedItem(name);
    // A name stays sealed as the page said when it was typed, even if the letter's seal has become lower since.
    if (field) field.value = name === "sealed_until" ? Math.max(Number(field.value), Number(value)) : value;
  }
}

/** Shows one of the two halves of the form: what is chosen, or what comes of it. */
function showPart(name, { isNew = true } = {}) {
  const form = document.getElementById("choose-form");
  const [choosing, checking] = [form.querySelector("[data-step]"), document.getElementById("check")];
  if (name === "check") showSummary(document.getElementById("shown"), typed(form), form);
  choosing.hidden = name === "check";
  checking.hidden = name !== "check";
  enter(name, name === "check" ? 3 : 2, isNew);
  (name === "check" ? checking : choosing).querySelector("h2").focus();
}

async function check(form) {
  const errors = missing(form);
  if (!(await decode(form.elements.pass.value).catch(() => null))) errors.pass = [word("not-a-pass")];
  if (Object.keys(errors).length) showErrors(form, errors);
  else showPart("check");
}

async function sign(form) {
  const entered = chosen(form);
  const shown = typed(form);
  const { pass, w0 } = await decode(entered.pass);
  warnBeforeLeaving(true); // the receipt is on its way
  const { receipt } = await post("sign", { ...entered, pass }).catch((refused) => {
    warnBeforeLeaving(Boolean(step && !step.saved));
    const told = offerNextStep(refused, SPENT, "pass");
    if (told.status >= 400 && told.status < 500) showPart("choose");
    throw told;
  });
  if (!(await isReceiptOf(receipt ?? {}, pass, entered))) throw new Refused(0, word("another-receipt"));
  delete shown.pass;
  showReceipt({ text: receiptText({ ...partsSigned(receipt), w0 }, page), shown });
}

/* The receipt */

/** @param {{text: string, shown: object}} stored the receipt, and what its signature shows */
function showReceipt({ text, shown }) {
  const lists = document.getElementById("choose-form") ?? document.getElementById("choose-stage").content;
  const stage = showStage("receipt-stage", 0, "receipt");
  showSummary(stage.querySelector("#public"), shown, lists);
  stage.querySelector("#receipt").value = text;
  document.getElementById("steps")?.toggleAttribute("hidden", true);
  retitle(stage.querySelector("h2"));
  warnBeforeLeaving(true);
  setStep({ step: "receipt", text, shown });
  startReceiptStep();
}

/** Turns the step's heading into the page's, because no step is left. The tab's title stays neutral. */
function retitle(heading) {
  const title = document.querySelector("h1");
  title.textContent = heading.textContent;
  heading.remove();
  title.focus();
}

function startReceiptStep() {
  const text = document.getElementById("receipt").value;
  const form = document.getElementById("receipt-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(text, receiptFile());
    announceKept(document.getElementById("receipt"));
  });
  const changing = document.getElementById("change-form");
  handleSubmit(changing, () => showOffer(changing, text, page.campaign));
  watchStatus(JSON.parse(text), page).then((found) => found?.state === "logged" && showCounted());
}

/** The public count, once the signature is in the ledger: the same figure for everybody, and no place in an order. */
async function showCounted() {
  document.getElementById("not-yet")?.toggleAttribute("hidden", true);
  const { count } = await call(`${page.api}/count`).catch(() => ({}));
  const line = document.getElementById("counted");
  if (line && count > 1) line.textContent = word("counted", { n: new Intl.NumberFormat(page.lang).format(count) });
}

/* The page */

function showStage(template, number, name) {
  const stage = document.getElementById("stage");
  stage.replaceChildren(document.getElementById(template).content.cloneNode(true));
  enableButtons(stage);
  enter(name, number);
  stage.querySelector("h2").focus();
  return stage;
}

function post(name, body) {
  return call(`${page.api}/${name}?lang=${page.lang}`, body);
}

if (root) start();
