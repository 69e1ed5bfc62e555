"""Pages for organisers: signed in, with a cookie, never cached; by audience the opposite of `petition.web.public`.

Guards that each page asks `petition.organisers.may` before anything else (`access`). Refuses rules: what organisers do is
done by the domain.
"""
