"""The fixtures that tests share, and the hooks of this suite, by the module that holds them.

A test asks for a fixture by the name of its argument. What is used by one module only is defined there.
"""

import gc

# What imports make stays: looking through it for garbage again and again only makes the start longer.
gc.set_threshold(50_000, 20, 50)

pytest_plugins = (
    "tests.support.services",  # services, database_url, session, engine, redis_store, desk, config
    "tests.support.compiled",  # no fixture: routes and templates are compiled once a process
    "tests.support.web",  # app, parts, mailbox, client, slug
    "tests.support.omar",  # omar: an organiser at a browser without a script
    "tests.support.drafts",  # drafter: an organiser with a draft
    "tests.support.suzie",  # suzie: a signer
    "tests.support.reader",  # reader: a subscriber
    "tests.support.asking",  # house: known and unknown people
    "tests.support.browser",  # browser
    "tests.support.static_site",  # site, tab: scripts alone on a bare page
    "tests.support.installation",  # running: the whole product
    "tests.support.post",  # office, post: workers and a mail server
    "tests.support.terminal",  # environ: the command line
    "tests.support.signing",  # scripted, plain: browsers with and without JavaScript
    "tests.support.certificate",  # certificate: for TLS on loopback
    "tests.support.generated",  # no fixture: which examples are generated
    "tests.support.figures",  # figure, long; --long and the marker `proof`
    "tests.support.scheduling",  # which tests stay in one process
)
