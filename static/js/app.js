// Small behaviours, each bound by delegation through a data-* attribute, so that a swap needs no re-binding.
import "./toasts.js";
import "./guard.js";

document.documentElement.classList.add("has-script");
if (document.querySelector("[data-draft]")) import("./requests.js"); // a page about an error that holds what was typed
if (document.querySelector(".more")) import("./more.js"); // a list that goes on
const field = document.querySelector(".search__input");
const suggest = () => import("./search.js");
if (field && field === document.activeElement) suggest();
else field?.addEventListener("focus", suggest, { once: true });
