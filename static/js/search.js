// The list below the search field: arrows choose, Enter goes there, Escape closes it. Fetched when the field is entered.
const field = document.querySelector(".search__input");
const list = Object.assign(document.createElement("div"), { className: "search__people", id: "search-people", role: "listbox", ariaLabel: "Suggestions" });
const heard = Object.assign(document.createElement("p"), { className: "visually-hidden", role: "status" });
field.after(list, heard);

// A combobox only now: it costs nothing where nobody searches, and without script it is a plain field.
const attributes = {
  "role": "combobox", "aria-expanded": "false", "aria-autocomplete": "list", "aria-controls": list.id, "autocapitalize": "none", "spellcheck": "false",
  "hx-get": "/search/people", "hx-trigger": "input changed delay:200ms, search:begun", "hx-sync": "this:replace", "hx-target": `#${list.id}`, "hx-swap": "innerHTML",
};
for (const [name, value] of Object.entries(attributes)) field.setAttribute(name, value);
globalThis.htmx?.process(field); // it may not have arrived

const options = () => [...list.querySelectorAll('[role="option"]')];
const active = () => document.getElementById(field.getAttribute("aria-activedescendant") ?? "");

const style = document.createElement("link");
Object.assign(style, { rel: "stylesheet", href: new URL("../css/search.css", import.meta.url).href });
if (!document.querySelector(`link[href="${new URL(style.href).pathname}"]`)) document.head.append(style);

let chosen = ""; // where the arrows stand; kept when a later answer has it too

function choose(option) {
  active()?.setAttribute("aria-selected", "false");
  chosen = option?.href ?? "";
  if (!option) return field.removeAttribute("aria-activedescendant");
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", option.id);
}

function show() {
  choose(options().find(({ href }) => href === chosen));
  field.setAttribute("aria-expanded", String(options().length > 0));
}

function close() {
  list.replaceChildren();
  heard.textContent = "";
  show();
}

const people = () => options().length - 1; // the last one leads to the posts

// An answer to what was typed before the field was left, or emptied, comes too late.
document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
  if (ctx.sourceElement === field && (document.activeElement !== field || !field.value.trim())) tasks.length = 0;
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.sourceElement !== field || ctx.response.status !== 200) return;
  show();
  if (options().length) heard.textContent = people() ? `People: ${people()}` : "No people";
});
// Busy until the last answer is there. What was found before is of other letters: it does not outlive a failure.
let asked;
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (ctx.sourceElement !== field) return;
  asked = ctx;
  field.form.ariaBusy = "true";
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx !== asked) return;
  field.form.ariaBusy = null;
  if (ctx.response?.status !== 200 || ctx.text === undefined) close();
});
field.addEventListener("input", () => field.value.trim() || close());

field.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const all = options();
  const at = all.indexOf(active());
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!all.length) return;
    event.preventDefault();
    const next = event.key === "ArrowDown" ? at + 1 : at === -1 ? all.length - 1 : at - 1;
    choose(all[next]); // past the end lies the field itself
  } else if (event.key === "Enter" && at >= 0) {
    event.preventDefault();
    all[at].click();
  } else if (event.key === "Escape" && all.length) {
    event.preventDefault(); // and not what was typed
    close();
  }
});
field.form.addEventListener("focusout", ({ relatedTarget }) => field.form.contains(relatedTarget) || close());
list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus, so the list stays
// What was typed while this was fetched.
if (field.value.trim() && field.value !== field.defaultValue) field.dispatchEvent(new Event("search:begun"));
