// A shadow copy of what is being typed, in this browser: it survives a closed tab, a crash, an ended session and a deploy.
// Kept by member and form, without passwords, files and hidden fields, but for the version that the text was based on:
// so what is restored over a change made elsewhere meets the 409 with both texts. Where storage is forbidden: nothing.
import { known, unsaved } from "./editors.js";
import { button, dismiss, showToast } from "./toasts.js";

const WAIT = 250; // ms from a keystroke to its copy, at most
const MEMBERS_LIFE = 30 * 864e5; // ms
const STRANGERS_LIFE = 36e5;
const BASE = /^(version$|was_)/;

const attempt = (act) => {
  try {
    return act(localStorage);
  } catch {
    return null; // private mode, forbidden, full, or damaged
  }
};
const drop = (key) => attempt((storage) => storage.removeItem(key));
const put = (key, draft) => attempt((storage) => storage.setItem(key, JSON.stringify(draft)));
function read(key) {
  const draft = attempt((storage) => JSON.parse(storage.getItem(key)));
  const life = /^\w+::/.test(key) ? STRANGERS_LIFE : MEMBERS_LIFE;
  return draft?.at > Date.now() - life && draft.at < 8e15 && draft.texts && draft.base ? draft : drop(key);
}

const forms = () => [...document.querySelectorAll("form[data-draft]")];
const formAt = (path) => forms().find((form) => form.dataset.draft === path);
const keyOf = (form, kind = "draft") => `${kind}:${form.elements.person?.value ?? ""}:${form.dataset.draft}`;
const isText = ({ type, autocomplete, name }) => !/^(password|file|checkbox|radio)$/.test(type) && !/password|one-time/.test(autocomplete) && !name.startsWith("sign_in-");
const typed = (form) => unsaved(form).filter(isText);
const baseOf = (form) => Object.fromEntries([...form.elements].filter(({ name }) => BASE.test(name)).map(({ name, value }) => [name, value]));

const pending = new Map(); // form → timer of its next copy
const met = new WeakSet();
const changed = new WeakSet(); // forms that were sent with something typed
let filling = false;

function copy(form, kind) {
  const controls = typed(form);
  const base = Object.entries(baseOf(form)).filter(([name]) => name === "version" || controls.some((control) => name === `was_${control.name}`));
  return { at: Date.now(), texts: Object.fromEntries(controls.map(({ name, value }) => [name, value])), base: Object.fromEntries(base) };
}

function stop(form) {
  clearTimeout(pending.get(form));
  pending.delete(form);
}

function write(form) {
  stop(form);
  if (typed(form).length) put(keyOf(form), copy(form));
  else drop(keyOf(form));
}

/** What was typed into `form` has arrived: its copies go, but not what was put aside if nothing else was sent. */
function forget(form) {
  stop(form);
  drop(keyOf(form));
  if (!changed.has(form)) return;
  drop(keyOf(form, "aside"));
  form.querySelectorAll(".draft").forEach((note) => note.remove());
}

function fill(form, draft) {
  filling = true;
  for (const [name, value] of Object.entries(draft.base)) if (BASE.test(name) && form.elements[name]) form.elements[name].value = value;
  for (const [name, value] of Object.entries(draft.texts)) {
    const control = form.elements[name];
    if (!control?.type || control.type === "hidden" || !isText(control) || control.value === value) continue;
    control.value = value;
    control.dispatchEvent(new Event("input", { bubbles: true })); // the counter and the live check follow
  }
  filling = false;
}

const inWords = (options) => (at) => new Intl.DateTimeFormat("en-GB", options).format(at);
const time = inWords({ hour: "2-digit", minute: "2-digit" });
const day = inWords({ day: "numeric", month: "long" });
const when = (at) => (day(at) === day(Date.now()) ? `at ${time(at)}` : `on ${day(at)} at ${time(at)}`);

function note(form, words, ...actions) {
  const line = document.createElement("p");
  line.className = "draft";
  const said = document.createElement("span");
  said.textContent = words;
  line.append(said, ...actions.map(([label, run]) => button({ label, run: () => (line.remove(), run(), form.querySelector(".control__input")?.focus()) })));
  if (form.dataset.editor) form.querySelector(".editor__actions").before(line);
  else form.prepend(line); // a long form: in sight at once
}

function restore(form, draft) {
  const before = { base: baseOf(form), texts: known(form) };
  fill(form, draft);
  const discard = () => {
    fill(form, before);
    write(form);
  };
  if (typed(form).length) note(form, `Restored what you typed ${when(draft.at)}.`, ["Discard", discard]);
  else drop(keyOf(form)); // it has been saved meanwhile
}

/** Put `draft` into `form`; what is typed there is set aside in its turn. */
function use(form, draft) {
  if (typed(form).length) put(keyOf(form, "aside"), copy(form));
  else drop(keyOf(form, "aside"));
  form.querySelectorAll(".draft").forEach((line) => line.remove());
  fill(form, draft);
  write(form);
}

function offer(form, draft) {
  const actions = [["Use it", () => use(form, draft)], ["Discard", () => drop(keyOf(form, "aside"))]];
  note(form, `You typed something else here ${when(draft.at)}.`, ...actions);
}

// But for the space around it, which the server takes off.
const holds = (form, draft) => Object.entries(draft.texts).every(([name, value]) => form.elements[name]?.value?.trim() === String(value).trim());
function meet(form) {
  if (met.has(form) || !known(form)) return; // what an error page holds is newer than any copy of it
  met.add(form);
  const draft = read(keyOf(form));
  if (draft && !typed(form).length) restore(form, draft);
  else {
    if (draft && !holds(form, draft)) put(keyOf(form, "aside"), draft);
    write(form); // typed before this script was here, or refused
  }
  const aside = read(keyOf(form, "aside"));
  if (aside) offer(form, aside);
}

/** Follow the Edit link of `path`, if it is on this page. */
function open(path, quietly) {
  const link = [...document.querySelectorAll("a[hx-get]")].find((one) => one.getAttribute("hx-get") === path);
  if (quietly) link?.setAttribute("data-quietly", "");
  link?.click();
}

function bringBack(form, toast) {
  const draft = read(keyOf(form, "aside"));
  const again = formAt(form.dataset.draft); // opened again meanwhile
  document.activeElement.blur(); // or the toast would hand the focus on when it has gone
  dismiss(toast);
  if (again) again.querySelector(".control__input").focus();
  if (!draft) return;
  if (again) return use(again, draft);
  put(keyOf(form), draft);
  drop(keyOf(form, "aside"));
  open(form.dataset.draft);
}

document.addEventListener("input", ({ target: { form } }) => {
  if (!filling && form?.dataset.draft && !pending.has(form)) pending.set(form, setTimeout(write, WAIT, form));
});
const flush = () => [...pending.keys()].forEach(write);
addEventListener("pagehide", flush);
document.addEventListener("visibilitychange", () => document.hidden && flush());

const copiesOf = (member) => attempt((storage) => Object.keys(storage).filter((key) => /^(draft|aside):/.test(key) && key.split(":")[1] === member)) ?? [];
const pathOf = (key) => key.replace(/^\w+:\w*:/, "");
const isKept = (form) => typed(form).every(({ name, value }) => read(keyOf(form))?.texts[name] === value);
const isLoose = ({ elements }) => [...elements].some((control) => "defaultValue" in control && isText(control) && control.value !== control.defaultValue);

/** What `member` has typed and not sent, by path: `copies` in this browser, and `uncopied` on this page. */
export function unsent(member) {
  flush();
  const open = forms().filter((form) => typed(form).length);
  open.forEach(write);
  const uncopied = open.filter((form) => !isKept(form));
  const copies = copiesOf(member).filter((key) => read(key) && !uncopied.some((form) => keyOf(form) === key));
  const loose = [...document.querySelectorAll('form[method="post"]:not([data-draft])')].filter(isLoose);
  return { copies: copies.map(pathOf), uncopied: [...uncopied, ...loose].map((form) => form.getAttribute("action")) };
}

/** Nothing that `member` typed is left in this browser. */
export const discard = (member) => copiesOf(member).forEach(drop);

const isOurs = (form) => form?.matches?.("form[data-draft]");
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const form = ctx.sourceElement;
  if (!isOurs(form)) return;
  write(form);
  changed[typed(form).length ? "add" : "delete"](form);
});
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (isOurs(ctx.sourceElement) && ctx.response?.status < 400 && ctx.response.headers.has("X-Microblog")) forget(ctx.sourceElement);
});
// What stays open goes on from what was saved (editors.js), and so does its copy.
const goOn = () => forms().filter((form) => known(form) && typed(form).length).forEach(write);
document.addEventListener("field:saved", goOn);
document.addEventListener("profile:saved", goOn);

// Cancel and Escape set aside; nothing is thrown away, not even where the post is gone (410).
function setAside(form) {
  stop(form);
  drop(keyOf(form));
  if (typed(form).length) put(keyOf(form, "aside"), copy(form));
  return typed(form).length && read(keyOf(form, "aside"));
}
document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  const gone = ctx.response?.status === 410;
  const form = ctx.sourceElement?.matches?.("[data-cancel]") && (ctx.response?.status < 400 || gone) && ctx.sourceElement.closest("form[data-draft]");
  if (!form || !setAside(form)) return;
  if (gone) showToast("draft:aside", "Put aside.", "You find it in the editor, should the post come back.", "note");
  else showToast("draft:aside", "Put aside.", "", "note", { label: "Bring it back", run: (toast) => bringBack(form, toast) });
});
document.addEventListener("click", ({ target }) => {
  const form = target.closest("a[data-leave]")?.closest("form[data-draft]");
  if (form) setAside(form);
});
document.addEventListener("htmx:after:swap", () => forms().forEach(meet));

// Without htmx a form leads to another page. It has arrived when we were sent on to a page that is not this form again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.draft || event.defaultPrevented) return;
  write(form);
  attempt(() => sessionStorage.setItem("draft-sent", JSON.stringify([form.dataset.draft, form.elements.person?.value ?? "", location.href])));
});
attempt(() => {
  const [path, person, from] = JSON.parse(sessionStorage.getItem("draft-sent")) ?? [];
  sessionStorage.removeItem("draft-sent");
  const moved = performance.getEntriesByType("navigation")[0].redirectCount && document.referrer === from.split("#")[0];
  if (moved && !formAt(path)) ["draft", "aside"].forEach((kind) => drop(`${kind}:${person}:${path}`));
});

function begin() {
  attempt((storage) => Object.keys(storage).filter((key) => /^(draft|aside):/.test(key)).forEach(read)); // what is too old goes
  forms().forEach(meet);
  const mine = `draft:${document.body.dataset.person}:`;
  const paths = attempt((storage) => Object.keys(storage).filter((key) => key.startsWith(mine))) ?? [];
  paths.map((key) => key.slice(mine.length)).forEach((path) => formAt(path) || open(path, true));
}
setTimeout(begin); // htmx begins in a task of its own too, queued before this one
