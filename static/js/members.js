// What only members have: how many notifications are unread, told while the page is looked at, cards of people, signing out.
import "./signout.js";

const EVERY = 60_000; // ms; measured against server-sent events in docs/people.md
let asked = Date.now();

function show(unread) {
  const badge = document.getElementById("unread");
  if (!badge) return;
  badge.dataset.unread = unread;
  badge.hidden = !unread;
  badge.querySelector("[data-unread-count]").textContent = unread > 99 ? "99+" : unread;
  badge.querySelector("[data-unread-words]").textContent = `${unread} unread`;
}

async function ask() {
  asked = Date.now();
  const badge = document.getElementById("unread");
  if (!badge || !navigator.onLine) return;
  try {
    const response = await fetch(`/notifications/unread?seen=${badge.dataset.unread}`);
    if (response.status === 200 && response.headers.has("X-Microblog")) show((await response.json()).unread);
  } catch {
    // Not to be had at the moment; nobody asked for it, so nobody is told.
  }
}

// A page in the background asks nothing; looked at again it asks at once, if it is time.
const due = () => document.visibilityState === "visible" && Date.now() - asked >= EVERY && ask();
setInterval(due, 5000);
document.addEventListener("visibilitychange", due);

// Cards, once there is somebody to show.
const people = 'main a[href^="/user/"]';
const look = () => document.querySelector(people) && matchMedia("(hover: hover)").matches && import("./cards.js");
look();
document.addEventListener("htmx:after:swap", look);

// The second click of a double click comes when the button says the opposite already: it is not meant.
const second = (event) => {
  if (event.detail > 1 && event.target.closest?.("[data-pair]")) event.preventDefault();
};
document.addEventListener("click", second, true);

// A menu closes by Escape, and when the focus or a click goes elsewhere.
const close = (menu) => (menu.open = false);
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!menu) return;
  close(menu);
  menu.querySelector("summary").focus();
});
for (const type of ["click", "focusin"]) {
  document.addEventListener(type, ({ target }) => document.querySelectorAll("details.menu[open]").forEach((menu) => menu.contains(target) || close(menu)));
}
