/**
 * Signing on one page: prove you work there, choose what is shown, sign. The same forms work as plain pages; this module
 * takes them over where the browser can make the pass itself. The pass and the receipt stay in this tab, the step in hand
 * survives a reload, Back and another language (tab.js): what is sent is the address, then the code with a blinded value,
 * then the pass with the choices.
 */
import { begin, decode, withdrawToken } from "./pass.js";
import { Refused, call, clearErrors, enableButtons, save, showErrors, showRefusal, tellKept, word } from "./page.js";
import { watch, written } from "./receipt.js";
import { forget, goesOn, keep, keeps, recall, warn } from "./tab.js";

const PROOF_KEEPS = 4 * 60_000;
const VERIFIED = "already-verified";
const SPENT = "pass-spent";
const root = document.getElementById("signing");
const page = root?.dataset;
let proof = null;
let step = null; // what the tab keeps of the step in hand

function start() {
  enableButtons(root);
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle || !globalThis.Worker) return goOnWithout();
  document.documentElement.classList.add("scripted");
  root.addEventListener("kept", ({ target }) => isKept(target));
  document.addEventListener("click", goOn);
  document.addEventListener("submit", (event) => event.defaultPrevented || goesOn());
  if (page.stage === "address") takeAddress();
  if (page.stage === "choose") takeChoice();
  if (page.stage === "receipt") followReceipt();
  if (page.resumes) resume();
}

function goOnWithout() {
  document.getElementById("no-secrets").hidden = page.stage !== "address";
}

/* The step that the tab was at */

async function resume() {
  const stage = document.getElementById("stage");
  stage.hidden = keeps();
  const found = await recall().catch(() => { document.getElementById("unreadable").hidden = false; });
  stage.hidden = false;
  if (found?.campaign !== page.campaign) return;
  // A letter that closed or was stopped meanwhile still gives back what its signer holds.
  if (found.step === "receipt") showReceipt(found);
  else if (found.step === "choose" && page.stage !== "over") choose(found.wish, found.saved);
  else if (page.stage === "address") takeCode(found.challenge, found.secrets);
}

function note(now) {
  step = { campaign: page.campaign, ...now };
  return keep(step);
}

/** A pass or a receipt was saved or copied: nothing is lost with this page any more. */
function isKept({ id }) {
  if (id !== step?.step && !(id === "pass" && step?.step === "choose")) return;
  warn(false);
  if (id === "receipt") forget();
  else note({ ...step, saved: true });
}

/** Links that lead on do not lead away; one begins anew. */
function goOn(event) {
  const link = event.target.closest("a");
  if (link?.matches(".languages a, #lead-on a, [data-anew], [href^='mailto:']")) goesOn();
  if (link?.matches("[data-anew]")) forget();
}

/* Step 1: the address */

function takeAddress() {
  const form = document.getElementById("address-form");
  form.elements.address.addEventListener("input", () => proofOfWork().catch(() => {}), { once: true });
  take(form, () => askForCode(form));
}

async function askForCode(form) {
  const working = document.getElementById("working");
  working.hidden = false;
  const altcha = await proofOfWork().catch(() => undefined);
  working.hidden = true;
  proof = null;
  const address = form.elements.address.value.trim();
  const { challenge } = await post("verify", { address, altcha, lang: page.lang });
  takeCode(challenge, undefined, address);
}

/** Worked for since the first letter was typed. Without it the site still answers, only less often. */
function proofOfWork() {
  if (!proof || Date.now() - proof.since > PROOF_KEEPS) {
    proof = { since: Date.now(), payload: call(`${page.api}/challenge`).then(solved) };
  }
  return proof.payload;
}

function solved(challenge) {
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

/** @param {string} challenge @param {object} [known] secrets of the same blinded value, to ask for a lost stamp again */
function takeCode(challenge, known, address = "") {
  const form = enter("code-stage", 1).querySelector("form");
  const blinding = begin(page.issuer, page.campaign, known);
  const noted = blinding.then(({ secrets }) => note({ step: "code", challenge, secrets }));
  form.elements.challenge.value = challenge;
  document.getElementById("asked-for").textContent = address;
  document.getElementById("asked-line").hidden = !address;
  take(form, async () => {
    const { blinded, complete } = await blinding;
    await noted;
    const { stamp } = await post("pass", { challenge, code: form.elements.code.value, blinded }).catch((refused) => {
      throw leadOn(refused, VERIFIED, "code");
    });
    const pass = await complete(stamp).catch(() => { throw new Refused(0, word("stamp")); });
    choose({ pass });
  });
}

/** Where a refusal is no end: the way on is shown, and its sentence stands at the field that it is about. */
function leadOn(refused, type, field) {
  document.getElementById("lead-on").hidden = !refused.type?.endsWith(`:${type}`);
  return refused.status === 403 ? new Refused(403, "", { [field]: [refused.message] }) : refused;
}

/* Steps 2 and 3: choose, sign */

/** @param {object} wish the pass, and what was typed so far @param {boolean} [saved] whether the pass is kept elsewhere */
function choose(wish, saved = false) {
  const form = document.getElementById("choose-form") ?? enter("choose-stage", 2).querySelector("form");
  fill(form, wish);
  warn(!saved);
  note({ step: "choose", wish, saved });
  takeChoice(form);
}

function takeChoice(form = document.getElementById("choose-form")) {
  const already = form.dataset.taken;
  follow(form);
  if (already) return;
  form.dataset.taken = "yes";
  form.addEventListener("input", () => {
    follow(form);
    const wish = typed(form);
    if (isPass(wish.pass.trim())) note({ step: "choose", wish, saved: step?.saved ?? true });
  });
  take(form, () => sign(form));
}

/** Everything that was typed or chosen, also where it is not offered just now. */
function typed(form) {
  const fields = [...form.elements].filter(({ name, type, checked }) => name && (type !== "radio" || checked));
  return Object.fromEntries(fields.map(({ name, value }) => [name, value]));
}

function fill(form, wish) {
  for (const [name, value] of Object.entries(wish)) {
    const field = form.elements.namedItem(name);
    // A name is sealed as the page said when it was typed: a letter's seal that fell meanwhile does not lower it.
    if (field) field.value = name === "sealed_until" ? Math.max(Number(field.value), Number(value)) : value;
  }
}

/** Offers only the fields that the choice needs, and says in words what will be seen. */
function follow(form) {
  const show = form.elements.show.value;
  form.querySelectorAll("[data-for]").forEach((group) => {
    const needed = group.dataset.for.split(" ").includes(show);
    group.hidden = group.disabled = !needed;
  });
  document.getElementById("shown").textContent = said("shown", typed(form));
}

function said(what, { show, role, name = "", publish_at: least = "0" }) {
  const sealed = show === "name" && least !== "0";
  const values = { name: name.trim() || "…", role: role ? labelOf(role) : "…", n: least };
  return word(`${what}-${sealed ? "sealed" : show}`, values);
}

/** A role in this page's language. */
function labelOf(role) {
  const form = document.getElementById("choose-form") ?? document.getElementById("choose-stage").content;
  const option = [...form.querySelectorAll("[name=role] option")].find(({ value }) => value === role);
  return option?.text ?? role;
}

async function sign(form) {
  const chosen = typed(form);
  const wish = Object.fromEntries(new FormData(form));
  for (const name of ["publish_at", "sealed_until"]) if (name in wish) wish[name] = Number(wish[name]);
  wish.pass = wish.pass.trim();
  if (!isPass(wish.pass)) return showErrors(form, { pass: [word("not-a-pass")] });
  const { receipt } = await post("sign", wish).catch((refused) => { throw leadOn(refused, SPENT, "pass"); });
  const { show, role, name, publish_at } = chosen;
  showReceipt({ text: written(receipt, page), shown: { show, role, name, publish_at }, token: withdrawToken(wish.pass) });
}

function isPass(text) {
  try {
    return decode(text) !== null;
  } catch {
    return false;
  }
}

/* The receipt */

/** @param {{text: string, shown: object, token: string}} had the receipt, what its signature shows, what withdraws it */
function showReceipt({ text, shown, token }) {
  const sentence = said("public", shown);
  const stage = enter("receipt-stage", 0);
  stage.querySelector("#public").textContent = sentence;
  stage.querySelector("#receipt").value = text;
  stage.querySelectorAll("[type=hidden][name=receipt]").forEach((field) => { field.value = token; });
  document.getElementById("steps")?.toggleAttribute("hidden", true);
  retitle(stage.querySelector("h2"));
  warn(true);
  note({ step: "receipt", text, shown, token });
  followReceipt();
}

/** What was a step's heading becomes the page's: there is no step left. The tab's title stays as neutral as it was. */
function retitle(heading) {
  const title = document.querySelector("h1");
  title.textContent = heading.textContent;
  heading.remove();
  title.focus();
}

function followReceipt() {
  const text = document.getElementById("receipt").value;
  const form = document.getElementById("receipt-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(text, "receipt.json");
    tellKept(document.getElementById("receipt"));
  });
  watch(JSON.parse(text), page).then((found) => {
    document.getElementById("not-yet").hidden = found?.state === "logged";
  });
}

/* The page */

function enter(template, step) {
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

/** Takes a form's submit over: one at a time, what is refused is shown in place. */
function take(form, send) {
  form.addEventListener("submit", async (event) => {
    if (event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    clearErrors(form);
    document.getElementById("lead-on")?.toggleAttribute("hidden", true);
    form.setAttribute("aria-busy", "true");
    try {
      await send();
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      showRefusal(form, refused);
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
}

function post(name, body) {
  return call(`${page.api}/${name}?lang=${page.lang}`, body);
}

if (root) start();
