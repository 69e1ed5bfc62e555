/** The sharing kit: its buttons copy what stands in the field above them; without this module the text is selected by hand. */
import { enableButtons } from "./page.js";

enableButtons(document);
if (navigator.clipboard) document.documentElement.classList.add("scripted");
