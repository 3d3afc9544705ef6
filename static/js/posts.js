// Pages with posts: what is written, what is new, where one was, and the keys.
import "./posts/composer.js";
import "./posts/keys.js";
import "./posts/place.js";
import "./posts/when.js";
