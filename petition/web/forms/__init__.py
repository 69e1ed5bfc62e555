"""The forms: typed WTForms fields with validators and labels, for the pages' posts and the API's JSON.

`fields` and `validators` are the parts of a form, `base` is its base class, `public` has the forms that pages and API
share, and `redraw` renders a page again with what was typed.
"""
