/** Shared by the personal pages: API calls, forms, translated sentences, error messages, saving and copying text, the exit. */
import { abandon } from "./tab.js";

/** A call got an error or no response. `errors` holds messages by field name, `type` names the problem. */
export class Refused extends Error {
  name = "Refused";

  constructor(status, sentence, errors = {}, type = "") {
    super(sentence);
    this.status = status;
    this.errors = errors;
    this.type = type;
  }
}

const OVERLOADED = ":overloaded";
const MOST_WAITS = 5;
const LONGEST_WAIT = 60;

/**
 * When too many people are here, the site does nothing and says when to try again. The call then waits, a few times.
 * @param {string} address @param {object} [body] sent as JSON by POST. Without a body the call is a GET
 * @param {object} [headers] of a GET
 * @returns {Promise<object>} rejects with Refused
 */
export async function call(address, body, headers) {
  const post = { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const options = { credentials: "omit", cache: "no-store", ...(body ? post : { headers }) };
  for (let waits = 0; ; waits += 1) {
    const { answer, result } = await ask(address, options);
    if (answer.ok) return result;
    if (waits === MOST_WAITS || !result.type?.endsWith(OVERLOADED)) {
      throw new Refused(answer.status, result.detail ?? result.title ?? word("away"), result.errors, result.type);
    }
    await waitAsTold(answer);
  }
}

async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
    return { answer, result: await answer.json() };
  } catch {
    throw new Refused(answer?.status ?? 0, word("away"));
  }
}

/** Waits for the seconds that the answer names, and says so at the form that was sent. */
async function waitAsTold(answer) {
  const seconds = Math.min(Number(answer.headers.get("Retry-After")) || 5, LONGEST_WAIT);
  const line = Object.assign(document.createElement("p"), { className: "busy", textContent: word("busy") });
  line.setAttribute("role", "status");
  document.querySelector("form[aria-busy=true]")?.append(line);
  await new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
  line.remove();
}

/** Returns a sentence in the page's language. @param {string} name @param {object} [values] for the names in braces */
export function word(name, values = {}) {
  const found = document.getElementById("words").content.querySelector(`[data-word="${name}"]`);
  return filled(found.textContent, values);
}

/** @param {string} sentence @param {object} values @returns {string} */
export function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Shows the error messages beside each field and above the form, and moves the focus there. */
export function showErrors(form, errors) {
  clearErrors(form);
  const summary = summaryOf(form);
  const list = summary.querySelector("ul");
  for (const [name, sentences] of Object.entries(errors)) {
    const input = form.elements.namedItem(name);
    sentences.forEach((sentence) => list.append(item(sentence, input && mark(form, name, input, sentence))));
  }
  summary.hidden = false;
  summary.focus();
}

/** @param {Refused} refused its messages by field are shown if it has any, else its only message */
export function showRefusal(form, refused, fallback = "") {
  const named = Object.keys(refused.errors).length > 0;
  showErrors(form, named ? refused.errors : { [fallback]: [refused.message] });
}

/** Handles a form's submit event: one request at a time, with error messages at their fields. */
export function handleSubmit(form, send) {
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

export function clearErrors(form) {
  summaryOf(form).hidden = true;
  summaryOf(form).querySelector("ul").replaceChildren();
  form.querySelectorAll(".mend").forEach((place) => place.replaceChildren());
  form.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
}

/** Activates the buttons under `root` that copy or save the text of a field. The field then gets a "kept" event. */
export function enableButtons(root) {
  root.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => copy(button)));
  root.querySelectorAll("[data-save]").forEach((button) => button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.save);
    save(field.value, button.dataset.file);
    announceKept(field);
  }));
  root.querySelectorAll("textarea[readonly]").forEach((field) => field.addEventListener("copy", () => copiedByHand(field)));
}

function copiedByHand(field) {
  const whole = field.value.trim();
  if (field.value.slice(field.selectionStart, field.selectionEnd).includes(whole)) announceKept(field);
}

/** Tells the field that its text was copied or saved. */
export function announceKept(field) {
  field.dispatchEvent(new CustomEvent("kept", { bubbles: true }));
}

/** Saves a text as a file in the browser. Nothing is sent. */
export function save(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  await navigator.clipboard.writeText(field.value);
  announceKept(field);
  const message = button.nextElementSibling?.matches("[role=status]") ? button.nextElementSibling : status(button);
  message.textContent = word("copied");
}

function status(button) {
  const message = document.createElement("span");
  message.setAttribute("role", "status");
  button.after(message);
  return message;
}

function summaryOf(form) {
  return form.querySelector(".errors") ?? form.parentElement.querySelector(".errors");
}

function mark(form, name, input, sentence) {
  const place = form.querySelector(`#${name}-error`);
  if (!place) return null;
  const line = document.createElement("p");
  line.className = "error";
  line.textContent = sentence;
  place.append(line);
  const target = input instanceof RadioNodeList ? input[0] : input;
  target.closest("details")?.setAttribute("open", "");
  if (!(input instanceof RadioNodeList)) target.setAttribute("aria-invalid", "true");
  return target.id;
}

function item(sentence, id) {
  const line = document.createElement("li");
  if (!id) line.textContent = sentence;
  else line.append(Object.assign(document.createElement("a"), { href: `#${id}`, textContent: sentence }));
  return line;
}

/** Leaves the site and removes its traces from this tab's history and storage. */
function leave(event) {
  event.preventDefault();
  abandon();
  location.replace(event.currentTarget.href);
}

document.getElementById("exit")?.addEventListener("click", leave);
