"""All that tests share comes from the plugin; no test module imports a fixture."""

pytest_plugins = ("tests.plugins",)
