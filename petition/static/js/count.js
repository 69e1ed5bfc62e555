// Updates the count and the progress line when a new epoch arrives: it polls the number, and fetches the page again when
// the number changes. It pauses while the page is hidden, and does not animate if the user prefers reduced motion. Without
// it, the page shows the count of the time when it was loaded.

const article = document.querySelector("[data-count]");
const announcement = document.querySelector("[data-said]");
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
const numbers = new Intl.NumberFormat(document.documentElement.lang);
const MOST = 300, ANNOUNCE_EVERY = 20_000, MOVE = 900;

const pace = Math.min(60, Math.max(5, Number(article.dataset.pace)));
let epoch = Number(article.dataset.epoch), etag = "", wait = pace, timer = 0, announcedAt = 0;

async function ask() {
  const answer = await fetch(article.dataset.count, { cache: "no-store", headers: etag ? { "If-None-Match": etag } : {} });
  if (answer.status === 304) return epoch;
  if (!answer.ok) throw new Error(answer.statusText);
  etag = answer.headers.get("ETag") ?? "";
  return (await answer.json()).epoch;
}

async function fetchPage() {
  const answer = await fetch(location.pathname + location.search, { cache: "no-cache" });
  if (!answer.ok) throw new Error(answer.statusText);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function showPage(page) {
  const before = document.querySelector("[data-figure]");
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = document.querySelector(`[data-live="${fresh.dataset.live}"]`);
    if (old && !old.contains(document.activeElement)) showPart(old, fresh);
  }
  move(Number(before?.dataset.figure), document.querySelector("[data-figure]"));
}

function showPart(old, fresh) {
  const line = old.querySelector("[data-line]"), next = fresh.querySelector("[data-line]");
  const width = next?.lastElementChild.getAttribute("width");
  if (line && next) next.replaceWith(line);
  old.replaceChildren(...fresh.childNodes);
  if (line && width) requestAnimationFrame(() => line.lastElementChild.setAttribute("width", width));
}

function move(from, figure) {
  const to = Number(figure?.dataset.figure);
  if (!figure || !Number.isFinite(from) || from === to) return;
  announce(document.getElementById("count-words").textContent);
  if (reducedMotion.matches) return;
  const start = performance.now();
  const step = (now) => {
    const done = Math.min(1, (now - start) / MOVE);
    figure.textContent = numbers.format(Math.round(from + (to - from) * (1 - (1 - done) ** 3)));
    if (done < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

function announce(sentence) {
  if (Date.now() - announcedAt < ANNOUNCE_EVERY) return;
  announcedAt = Date.now();
  announcement.textContent = sentence.replace(/\s+/g, " ").trim();
}

async function look() {
  clearTimeout(timer);
  try {
    const found = await ask();
    if (found !== epoch) {
      const page = await fetchPage();
      showPage(page);
      epoch = Number(page.querySelector("[data-epoch]").dataset.epoch);
    }
    wait = pace;
  } catch {
    wait = Math.min(MOST, wait * 2);
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(look, wait * 1000 * (0.9 + Math.random() * 0.2));
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
plan();
