/**
 * Signing on one page: prove that you work there, choose what is shown, sign. The same forms work as plain pages; this
 * module handles them if the browser can make the pass itself. The pass and the receipt stay in this tab. The current step
 * survives a reload, Back and a change of language (tab.js). The page sends the address, then the code with a blinded
 * value, then the pass with the choices.
 */
import { showOffer } from "./change.js";
import { chosen, describeVisibility, typed, updateFields } from "./choice.js";
import { begin, decode, looksLikePass } from "./pass.js";
import { Refused, announceKept, call, enableButtons, handleSubmit, save, showErrors, word } from "./page.js";
import { isReceiptOf, partsSigned, receiptText, watchStatus } from "./receipt.js";
import { allowLeaving, forget, hasStoredStep, loadStep, storeStep, warnBeforeLeaving } from "./tab.js";

const PROOF_KEEPS = 4 * 60_000;
const VERIFIED = "already-verified";
const SPENT = "pass-spent";
const root = document.getElementById("signing");
const page = root?.dataset;
let proof = null;
let step = null; // what the tab stores of the current step

function start() {
  enableButtons(root);
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle || !globalThis.Worker) return explainMissingFeatures();
  document.documentElement.classList.add("scripted");
  document.addEventListener("kept", ({ target }) => onKept(target)); // a receipt of a change, too, which replaces the page
  document.addEventListener("click", onLinkClick);
  document.addEventListener("submit", (event) => event.defaultPrevented || allowLeaving());
  if (page.stage === "address") startAddressStep();
  if (page.stage === "choose") startChoiceStep();
  if (page.stage === "receipt") startReceiptStep();
  if (page.resumes) resume();
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
  else if (page.stage === "address") startCodeStep(found.challenge, found.secrets);
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

/** Links to a next step cause no warning about leaving. One of them starts again. */
function onLinkClick(event) {
  const link = event.target.closest("a");
  if (link?.matches(".languages a, #lead-on a, [data-anew], [href^='mailto:']")) allowLeaving();
  if (link?.matches("[data-anew]")) forget();
}

/* Step 1: the address */

function startAddressStep() {
  const form = document.getElementById("address-form");
  form.elements.address.addEventListener("input", () => proofOfWork().catch(() => {}), { once: true });
  handleSubmit(form, () => askForCode(form));
}

async function askForCode(form) {
  const working = document.getElementById("working");
  working.hidden = false;
  const altcha = await proofOfWork().catch(() => undefined);
  working.hidden = true;
  proof = null;
  const address = form.elements.address.value.trim();
  const { challenge } = await post("verify", { address, altcha, lang: page.lang });
  startCodeStep(challenge, undefined, address);
}

/** The proof of work starts with the first typed letter. Without it, the site still answers, but with a lower limit. */
function proofOfWork() {
  if (!proof || Date.now() - proof.since > PROOF_KEEPS) {
    proof = { since: Date.now(), payload: call(`${page.api}/challenge`).then(solveChallenge) };
  }
  return proof.payload;
}

function solveChallenge(challenge) {
  const worker = new Worker(page.worker, { type: "module" });
  const payload = new Promise((resolve, reject) => {
    worker.addEventListener("error", reject);
    worker.addEventListener("message", ({ data }) => {
      if (data.payload) resolve(data.payload);
      if (data.error) reject(new Error(data.error));
    });
    worker.postMessage(challenge);
  });
  return payload.finally(() => worker.terminate());
}

/* Step 1, second half: the code */

/** @param {string} challenge @param {object} [known] secrets of the same blinded value, to request a lost stamp again */
function startCodeStep(challenge, known, address = "") {
  const form = showStage("code-stage", 1).querySelector("form");
  const blinding = begin(page.issuer, page.campaign, known);
  const stored = blinding.then(({ secrets }) => setStep({ step: "code", challenge, secrets }));
  form.elements.challenge.value = challenge;
  document.getElementById("asked-for").textContent = address;
  document.getElementById("asked-line").hidden = !address;
  handleSubmit(form, async () => {
    const { blinded, complete } = await blinding;
    await stored;
    const { stamp } = await post("pass", { challenge, code: form.elements.code.value, blinded }).catch((refused) => {
      throw offerNextStep(refused, VERIFIED, "code");
    });
    const pass = await complete(stamp).catch(() => { throw new Refused(0, word("stamp")); });
    showChoiceStep({ pass });
  });
}

/** After an error with a next step: shows that step, and the message at the field that it is about. */
function offerNextStep(refused, type, field) {
  document.getElementById("lead-on").hidden = !refused.type?.endsWith(`:${type}`);
  return refused.status === 403 ? new Refused(403, "", { [field]: [refused.message] }) : refused;
}

/* Steps 2 and 3: choose, sign */

/** @param {object} entered the pass, and what was typed so far @param {boolean} [saved] whether the pass was saved or copied */
function showChoiceStep(entered, saved = false) {
  const form = document.getElementById("choose-form") ?? showStage("choose-stage", 2).querySelector("form");
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
  handleSubmit(form, () => sign(form));
}

function fill(form, entered) {
  for (const [name, value] of Object.entries(entered)) {
    const field = form.elements.namedItem(name);
    // A name stays sealed as the page said when it was typed, even if the letter's seal has become lower since.
    if (field) field.value = name === "sealed_until" ? Math.max(Number(field.value), Number(value)) : value;
  }
}

async function sign(form) {
  const { show, role, name, publish_at } = typed(form);
  const entered = chosen(form);
  entered.pass = entered.pass.trim();
  const { pass, w0 } = await decode(entered.pass).catch(() => ({}));
  if (!pass) return showErrors(form, { pass: [word("not-a-pass")] });
  warnBeforeLeaving(true); // the receipt is on its way
  const { receipt } = await post("sign", { ...entered, pass }).catch((refused) => {
    warnBeforeLeaving(Boolean(step && !step.saved));
    throw offerNextStep(refused, SPENT, "pass");
  });
  if (!(await isReceiptOf(receipt ?? {}, pass, entered))) throw new Refused(0, word("another-receipt"));
  showReceipt({ text: receiptText({ ...partsSigned(receipt), w0 }, page), shown: { show, role, name, publish_at } });
}

/* The receipt */

/** @param {{text: string, shown: object}} stored the receipt, and what its signature shows */
function showReceipt({ text, shown }) {
  const roles = document.getElementById("choose-form") ?? document.getElementById("choose-stage").content;
  const sentence = describeVisibility("public", shown, roles);
  const stage = showStage("receipt-stage", 0);
  stage.querySelector("#public").textContent = sentence;
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
    save(text, "receipt.json");
    announceKept(document.getElementById("receipt"));
  });
  const changing = document.getElementById("change-form");
  handleSubmit(changing, () => showOffer(changing, text, page.campaign));
  const waiting = document.getElementById("not-yet");
  watchStatus(JSON.parse(text), page).then((found) => { waiting.hidden = found?.state === "logged"; });
}

/* The page */

function showStage(template, step) {
  const stage = document.getElementById("stage");
  stage.replaceChildren(document.getElementById(template).content.cloneNode(true));
  enableButtons(stage);
  document.querySelector(".safety")?.toggleAttribute("hidden", step !== 1);
  document.querySelectorAll("#steps li").forEach((item, i) => {
    if (i + 1 === step) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
  stage.querySelector("h2").focus();
  return stage;
}

function post(name, body) {
  return call(`${page.api}/${name}?lang=${page.lang}`, body);
}

if (root) start();
