"""One form system: typed WTForms fields with validators and labels, for the pages' posts and the calls' JSON alike.

`fields` and `validators` make a form, `base` is its base, `public` holds the forms that pages and calls share, and `redraw`
draws a page again with what was typed.
"""
