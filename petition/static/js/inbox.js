// Shows new mail as it arrives, unless text on the page is selected. Without it, a link reloads the page.

const EVERY = 3_000;

async function look() {
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok || !getSelection().isCollapsed) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-mails]");
  const old = document.querySelector("[data-mails]");
  if (fresh && fresh.textContent !== old.textContent) old.replaceWith(fresh);
}

setInterval(() => document.hidden || look().catch(() => {}), EVERY);
