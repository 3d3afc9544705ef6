// Signing out asks first where something typed was not sent: keep it in this browser, discard it, or stay.
import { discard, unsent } from "./drafts.js";
import { leaveUnasked } from "./editors.js";

const KINDS = [
  [/^\/post$/, "a post", "posts"],
  [/^\/post\/\d+\/reply$/, "a reply", "replies"],
  [/^\/post\/\d+\/edit$/, "a change to a post", "changes to posts"],
  [/^\/edit_profile/, "a change to your profile", "changes to your profile"],
  [/\/report$/, "a report", "reports"],
  [/^\/moderation/, "a note", "notes"],
  [/(?:)/, "another text", "other texts"],
];

/** "A post and 2 replies have not been sent." */
function inWords(paths) {
  const counts = new Map();
  for (const path of paths) {
    const kind = KINDS.find(([pattern]) => pattern.test(path));
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const parts = KINDS.filter((kind) => counts.has(kind)).map((kind) => (counts.get(kind) > 1 ? `${counts.get(kind)} ${kind[2]}` : kind[1]));
  const list = new Intl.ListFormat("en-GB").format(parts);
  return `${list[0].toUpperCase()}${list.slice(1)} ${paths.length > 1 ? "have" : "has"} not been sent.`;
}

const dialog = document.getElementById("unsent");
const form = () => document.getElementById("sign-out"); // drawn anew with the navigation
let pressed = null;

document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  const { copies, uncopied } = unsent(form().dataset.signOut);
  const paths = [...copies, ...uncopied];
  if (!paths.length) return discard(form().dataset.signOut);
  event.preventDefault();
  pressed = event.submitter;
  dialog.querySelector("#unsent-what").textContent = inWords(paths);
  for (const part of dialog.querySelectorAll('[value="keep"], #unsent-kept')) part.hidden = uncopied.length;
  dialog.querySelector("#unsent-lost").hidden = !uncopied.length;
  dialog.setAttribute("aria-describedby", `unsent-what unsent-${uncopied.length ? "lost" : "kept"}`);
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector('[value=""]').focus(); // what is pressed without reading changes nothing
});

dialog.addEventListener("close", () => {
  if (!dialog.returnValue) return pressed?.focus();
  if (dialog.returnValue === "discard") discard(form().dataset.signOut);
  leaveUnasked();
  form().submit();
});
