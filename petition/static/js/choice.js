/** What a signature shows: the fields that a choice needs, and what the public sees of it. For signing and for changing. */
import { word } from "./page.js";

const NUMBERS = ["publish_at", "sealed_until"];

/** @param {HTMLFormElement} form @returns {object} everything that was typed or chosen, including fields that are hidden now */
export function typed(form) {
  const fields = [...form.elements].filter(({ name, type, checked }) => name && (type !== "radio" || checked));
  return Object.fromEntries(fields.map(({ name, value }) => [name, value]));
}

/** @param {HTMLFormElement} form @returns {object} what the choice needs, as the API takes it */
export function chosen(form) {
  const entered = Object.fromEntries(new FormData(form));
  for (const name of NUMBERS) if (name in entered) entered[name] = Number(entered[name]);
  return entered;
}

/** Shows only the fields that the choice needs. */
export function updateFields(form) {
  const show = form.elements.show.value;
  form.querySelectorAll("[data-for]").forEach((group) => {
    const needed = group.dataset.for.split(" ").includes(show);
    group.hidden = group.disabled = !needed;
  });
}

/** @param {HTMLFormElement} form @returns {Object<string, string[]>} messages for the fields that the choice needs and that are empty */
export function missing(form) {
  const { show, name, role } = typed(form);
  if (show === "name" && !name.trim()) return { name: [word("name-missing")] };
  return show === "role" && !role ? { role: [word("role-missing")] } : {};
}

/**
 * Lists everything that becomes public, and when, as petition/web/public/words.py does.
 * @param {HTMLElement} list a description list, whose rows are replaced
 * @param {object} choice as `typed` returns it
 * @param {ParentNode} form whose lists of roles and teams have their labels in this page's language
 */
export function showSummary(list, choice, form) {
  const rows = summarize(choice, form).map(([term, value]) => [element("dt", word(`term-${term}`)), element("dd", value)]);
  list.replaceChildren(...rows.flat());
}

function summarize({ show, name = "", role = "", team = "", comment = "", publish_at: least = "0" }, form) {
  if (show === "anonymous") return [["you", word("nothing")]];
  const texts = show === "name" ? { name: name.trim(), comment: comment.trim() } : {};
  const values = [["name", texts.name], ["role", labelOf("role", role, form)], ["team", labelOf("team", team, form)], ["comment", texts.comment]];
  const when = show === "role" ? (team ? "role-team" : "role") : least === "0" ? "name" : "sealed";
  return [...values.filter(([, value]) => value), ["when", word(`when-${when}`, { n: least })]];
}

function labelOf(list, chosen, form) {
  const option = [...form.querySelectorAll(`[name=${list}] option`)].find(({ value }) => value === chosen);
  return chosen && (option?.text ?? chosen);
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}
