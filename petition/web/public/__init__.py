"""The public pages, for readers, signers and reporters.

They use no session and no cookie, and are the same for everybody.

Page views are not counted: pages show what the last epoch made. They do not know who reads them.
"""
