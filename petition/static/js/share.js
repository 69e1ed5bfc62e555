/** The sharing page: its buttons copy the text of the field above them. Without it, users select the text themselves. */
import { enableButtons } from "./page.js";

enableButtons(document);
if (navigator.clipboard) document.documentElement.classList.add("scripted");
