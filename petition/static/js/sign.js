/**
 * Signing on one page: prove you work there, choose what is shown, sign. The same forms work as plain pages; this module
 * takes them over where the browser can make the pass itself. The pass and the receipt stay in the page: what is sent
 * is the address, then the code with a blinded value, then the pass with the choices.
 */
import { begin, decode, withdrawToken } from "./pass.js";
import { Refused, call, clearErrors, enableButtons, save, showErrors, showRefusal, word } from "./page.js";
import { watch, written } from "./receipt.js";

const PROOF_KEEPS = 4 * 60_000;
const root = document.getElementById("signing");
const page = root?.dataset;
let proof = null;

function start() {
  enableButtons(root);
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle || !globalThis.Worker) return goOnWithout();
  document.documentElement.classList.add("scripted");
  if (page.stage === "address") takeAddress();
  if (page.stage === "choose") takeChoice();
  if (page.stage === "receipt") followReceipt();
}

function goOnWithout() {
  document.getElementById("no-secrets").hidden = page.stage !== "address";
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
  const { challenge } = await post("verify", { address: form.elements.address.value, altcha, lang: page.lang });
  takeCode(challenge);
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

function takeCode(challenge) {
  const form = enter("code-stage", 1).querySelector("form");
  const blinding = begin(page.issuer, page.campaign);
  form.elements.challenge.value = challenge;
  take(form, async () => {
    const { blinded, complete } = await blinding;
    const code = form.elements.code.value;
    const { stamp } = await post("pass", { challenge, code, blinded }).catch((refused) => {
      throw refused.status === 403 ? new Refused(403, "", { code: [refused.message] }) : refused;
    });
    const pass = await complete(stamp).catch(() => { throw new Refused(0, word("stamp")); });
    enter("choose-stage", 2).querySelector("[name=pass]").value = pass;
    takeChoice();
  });
}

/* Steps 2 and 3: choose, sign */

function takeChoice() {
  const form = document.getElementById("choose-form");
  form.addEventListener("input", () => follow(form));
  follow(form);
  take(form, () => sign(form));
}

/** Offers only the fields that the choice needs, and says in words what will be seen. */
function follow(form) {
  const show = form.elements.show.value;
  form.querySelectorAll("[data-for]").forEach((group) => {
    const needed = group.dataset.for.split(" ").includes(show);
    group.hidden = group.disabled = !needed;
  });
  document.getElementById("shown").textContent = said("shown", form);
}

function said(what, form) {
  const { show, role, name, publish_at: least } = form.elements;
  const sealed = show.value === "name" && least.value !== "0";
  const values = { name: name.value.trim() || "…", role: role.value ? role.selectedOptions[0].text : "…", n: least.value };
  return word(`${what}-${sealed ? "sealed" : show.value}`, values);
}

async function sign(form) {
  const wish = Object.fromEntries(new FormData(form));
  for (const name of ["publish_at", "sealed_until"]) if (name in wish) wish[name] = Number(wish[name]);
  wish.pass = wish.pass.trim();
  if (!isPass(wish.pass)) return showErrors(form, { pass: [word("not-a-pass")] });
  const shown = said("public", form);
  const { receipt } = await post("sign", wish).catch((refused) => {
    throw refused.status === 403 ? new Refused(403, "", { pass: [refused.message] }) : refused;
  });
  showReceipt(receipt, shown, wish.pass);
}

function isPass(text) {
  try {
    return decode(text) !== null;
  } catch {
    return false;
  }
}

/* The receipt */

function showReceipt(receipt, shown, pass) {
  const stage = enter("receipt-stage", 0);
  stage.querySelector("#public").textContent = shown;
  stage.querySelector("#receipt").value = written(receipt, page);
  stage.querySelectorAll("[type=hidden][name=receipt]").forEach((field) => { field.value = withdrawToken(pass); });
  document.getElementById("steps").hidden = true;
  retitle(stage.querySelector("h2"));
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
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    clearErrors(form);
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
