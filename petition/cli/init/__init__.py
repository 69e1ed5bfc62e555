"""`init`: asks for what an installation in production needs, and writes its settings, its keys and its folders.

Every question has an option, except those for passwords. Passwords are typed without an echo, or stand in a private
file (`--answers`); none of them is ever on a command line, in the output or in a log.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from petition.bootstrap import CannotStart
from petition.cli.common import refuse
from petition.cli.init import account, dialogue, making, summary
from petition.cli.init.dialogue import Request
from petition.cli.init.files import Ended
from petition.config import ConfigIncomplete, Servers, Size, addresses
from petition.config.settings_file import SETTINGS, SettingsFileWrong
from petition.mail import DkimKeyWrong, SmtpUrlWrong

FILE = click.Path(path_type=Path)


@click.command()
@click.option(
    "--settings", "file", metavar="FILE", type=FILE, envvar=SETTINGS, default=lambda: addresses.settings_path(os.geteuid() == 0),
    help="The settings file to write; /etc/undersigned/settings.env for root.",
)  # fmt: skip
@click.option(
    "--answers", metavar="FILE", type=FILE, help="Settings that are known, passwords among them: NAME=value lines."
)
@click.option("--address", "PETITION_BASE_URL", help="The public address, https://…")
@click.option("--mail-from", "MAIL_FROM", help="The sender of the letter's mail.")
@click.option("--code-mail-from", "CODE_MAIL_FROM", help="The sender of the mail with a code, at another domain.")
@click.option("--relay", "SMTP_URL", help="The mail server, host:port, without a password.")
@click.option("--security-contact", "PETITION_SECURITY_CONTACT", help="Where to report a security fault.")
@click.option(
    "--size",
    "PETITION_SIZE",
    type=click.Choice([size.value for size in Size]),
    help="How much of the machine it takes.",
)
@click.option(
    "--servers",
    "PETITION_SERVERS",
    type=click.Choice([name.value for name in Servers if name]),
    help="Where PostgreSQL and Redis come from.",
)
@click.option("--database", addresses.OWNER_URL, help="With --servers given: postgresql://…, without a password.")
@click.option("--redis", "REDIS_URL", help="With --servers given: redis://…, without a password.")
@click.option("--home", "PETITION_HOME", help="The data folder.")
@click.option("--port", "PETITION_PORT", help="The port on 127.0.0.1 for the proxy; 8000.")
@click.option("--pepper", "PETITION_PEPPER_FILE", help="Where the pepper is kept; beside the settings.")
@click.option("--dkim/--no-dkim", default=None, help="Make keys that sign mail here, and print their DNS records.")
@click.option("--user", help="As root: the user that everything runs as; undersigned.")
@click.option("--yes", is_flag=True, help="Ask nothing: take defaults for what no option says.")
@click.option("--untried", is_flag=True, help="With --servers given: do not connect to them now.")
@click.option("--force", is_flag=True, help="Write the settings again, with the changes of the options. Keys stay.")
def init(
    file: Path,
    answers: Path | None,
    user: str | None,
    *,
    dkim: bool | None,
    yes: bool,
    untried: bool,
    force: bool,
    **options: str | None,
) -> None:
    """Set up an installation in production: ask, then write settings, keys and folders."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        request = Request(
            file.absolute(),
            given,
            answers,
            dialogue.chosen_user(user),
            dkim=dkim,
            defaults=yes,
            force=force,
            untried=untried,
        )
        account.require_readable(request.user)
        settings = dialogue.settings(request)
        made = making.make(request, settings)
    except click.UsageError as wrong:
        refuse(wrong.format_message())
    except (CannotStart, SettingsFileWrong, SmtpUrlWrong, DkimKeyWrong) as reason:
        refuse(str(reason))
    except ConfigIncomplete as incomplete:
        refuse("\n".join(incomplete.problems))
    except OSError as error:
        refuse(f"{error.filename} cannot be written: {error.strerror}. Nothing was changed.")
    except (click.Abort, KeyboardInterrupt, Ended):
        click.echo("\nNothing was written.", err=True)
        sys.exit(130)
    click.echo(summary.text(made))
