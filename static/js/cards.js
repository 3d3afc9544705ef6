// Who somebody is: a card beside a link to them, on hover and focus. Fetched once a page; Escape closes it.
const WAIT = 350; // ms; who only passes over a link sees nothing
const LEAVE = 200; // ms; time to move from the link to the card
const NAME = /^\/user\/(\w{3,30})$/;
const card = Object.assign(document.createElement("div"), { className: "card", id: "person-card", hidden: true });
card.role = "tooltip";
document.getElementById("main").append(card);
const known = new Map(); // name → what the card holds
let link = null; // the one it is for
let timer = 0;

const nameOf = (target) => {
  const found = target.closest?.('main a[href^="/user/"]');
  const name = found && !found.closest("[data-no-card]") && NAME.exec(found.pathname)?.[1];
  return name && location.pathname !== found.pathname ? [found, name] : [null, ""];
};

async function load(name) {
  const response = await fetch(`/user/${name}/card`, { headers: { "HX-Request": "true", "HX-Request-Type": "partial", Accept: "text/html" } });
  return response.ok && response.headers.has("X-Microblog") && !response.redirected ? response.text() : "";
}

function place() {
  const box = link.getBoundingClientRect();
  const below = box.bottom + card.offsetHeight + 8 < innerHeight;
  card.style.insetBlockStart = `${scrollY + (below ? box.bottom + 6 : box.top - card.offsetHeight - 6)}px`;
  card.style.insetInlineStart = "auto";
  card.style.left = `${Math.max(8, Math.min(scrollX + box.left, innerWidth - card.offsetWidth - 16))}px`;
}

async function show(wanted, name) {
  link = wanted;
  if (!known.has(name)) known.set(name, load(name).catch(() => known.delete(name) && ""));
  const html = await known.get(name);
  if (link !== wanted || !wanted.isConnected || !html) return;
  card.innerHTML = html; // drawn by our own server, where text is escaped
  card.hidden = false;
  wanted.setAttribute("aria-describedby", card.id);
  place();
}

function hide() {
  clearTimeout(timer);
  link?.removeAttribute("aria-describedby");
  link = null;
  card.hidden = true;
}

function over({ target, type, pointerType }) {
  if (pointerType === "touch") return;
  if (card.contains(target)) return clearTimeout(timer);
  const [found, name] = nameOf(target);
  if (!found) return;
  clearTimeout(timer);
  if (found === link) return;
  if (type === "focusin" && !found.matches(":focus-visible")) return; // a click goes there anyway
  timer = setTimeout(() => (hide(), show(found, name)), WAIT);
}
function out({ target, relatedTarget }) {
  if (!card.contains(target) && !nameOf(target)[0]) return;
  if (relatedTarget && (card.contains(relatedTarget) || link?.contains(relatedTarget))) return;
  clearTimeout(timer);
  timer = setTimeout(hide, LEAVE);
}
document.addEventListener("pointerover", over);
document.addEventListener("focusin", over);
document.addEventListener("pointerout", out);
document.addEventListener("focusout", out);
document.addEventListener("keydown", (event) => event.key === "Escape" && !card.hidden && hide());
addEventListener("resize", hide);
document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  hide();
  if (/\/(un)?follow$/.test(ctx.request?.action ?? "")) known.clear(); // it would tell what was
});
