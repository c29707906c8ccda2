"""`adcli clean --pseudonymise`, `--mask`, `--truncate-ip`: what is hidden in a table before it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from adcli.cli.erasing import PANEL, Erase, KeyFile, erasing, require_users, tell_erased
from adcli.cli.option_rules import Needs, option_group
from adcli.cli.run import Run
from adcli.privacy.keys import read_keys

if TYPE_CHECKING:
    import polars as pl

    from adcli.privacy.anonymity import AnonymityCount
    from adcli.privacy.hiding import Hiding
    from adcli.privacy.masking import Mask
    from adcli.privacy.pseudonyms import Pseudonyms


@option_group(PANEL)
class Privacy:
    """What protects the people in the table."""

    pseudonymise: Annotated[list[str], Needs("key_file")] = typer.Option(
        [],
        metavar="COLUMN",
        help="Replace a column's values by keyed pseudonyms, the same in every table; repeat for more.",
    )
    key_file: Annotated[KeyFile, Needs("pseudonymise", "erase")] = None
    erase: Erase = None
    mask: list[str] = typer.Option(
        [],
        metavar="COLUMN",
        help="Mask e-mail, phone, card, IBAN, IP address, identity number and names in a column's texts; "
        "repeat for more.",
    )
    phone_region: Annotated[list[str], Needs("mask")] = typer.Option(
        [],
        metavar="COUNTRY",
        help="Country, such as DE, whose phone numbers may lack a country code; repeat for more.",
    )
    k_anonymity: list[str] = typer.Option(
        [],
        metavar="COLUMN",
        help="Quasi-identifier: say how many users share what these columns hold; repeat for more.",
    )
    truncate_ip: list[str] = typer.Option(
        [], metavar="COLUMN", help="Cut a column's addresses: IPv4 to /24, IPv6 to /48; repeat for more."
    )


class Protection:
    """The options' work in one run; texts of rejected rows are withheld from its start."""

    def __init__(self, run: Run, options: Privacy) -> None:
        self._run = run
        self._options = options
        self._pseudonyms: dict[str, Pseudonyms] = {}
        self._masks: dict[str, Mask] = {}
        self._hiding: Hiding | None = None
        self._count: AnonymityCount | None = None
        self._keys = read_keys(options.key_file) if options.key_file else []
        if options.mask:
            from adcli.privacy.personal_data import check_regions, masked, require_libraries

            require_libraries()
            check_regions(options.phone_region)
            run.withhold(lambda text: masked(text, options.phone_region))
        elif options.pseudonymise or options.truncate_ip:
            run.withhold()
        self._erasure = erasing(run, options.erase, options.key_file)

    def prepare(self, names: set[str] | None) -> None:
        """Resolve the columns, and make sure that they are there where `names` says what there is.

        Raises UsageError if one is not.
        """
        from adcli.privacy.addresses import truncated_addresses
        from adcli.privacy.anonymity import AnonymityCount
        from adcli.privacy.hiding import Hiding, require_columns, require_once
        from adcli.privacy.masking import Mask
        from adcli.privacy.pseudonyms import Pseudonyms

        asked = {
            "--mask": self._run.columns(self._options.mask),
            "--pseudonymise": self._run.columns(self._options.pseudonymise),
            "--truncate-ip": self._run.columns(self._options.truncate_ip),
        }
        require_once(asked)
        self._pseudonyms = {name: Pseudonyms(self._keys[-1], name) for name in asked["--pseudonymise"]}
        self._masks = {name: Mask(self._options.phone_region) for name in asked["--mask"]}
        self._hiding = Hiding(
            {
                **{name: ("--mask", mask) for name, mask in self._masks.items()},
                **{name: ("--pseudonymise", made) for name, made in self._pseudonyms.items()},
                **dict.fromkeys(asked["--truncate-ip"], ("--truncate-ip", truncated_addresses)),
            }
        )
        quasi = self._run.columns(self._options.k_anonymity)
        self._count = AnonymityCount(quasi) if quasi else None
        if names is not None:
            require_columns(self._hiding.options | dict.fromkeys(quasi, "--k-anonymity"), names)
            require_users(self._erasure, names)

    def applied(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The frames as they are written."""
        if self._masks:
            from adcli.privacy.masking import without_own_names

            raw = frames
            frames = (without_own_names(frame, list(self._masks)) for frame in raw)
        hidden = self._hiding(frames) if self._hiding is not None and self._hiding.columns else frames
        return self._count(hidden) if self._count is not None else hidden

    @property
    def columns(self) -> list[str]:
        """The columns that are hidden."""
        return list(self._hiding.columns) if self._hiding is not None else []

    def hidden(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Some rows as they would be written."""
        return self._hiding.hidden(frame) if self._hiding is not None else frame

    def tell(self) -> None:
        """Say what was hidden and what shows it all the same, and put it into the manifest."""
        from adcli.privacy.pseudonyms import ALGORITHM

        if self._pseudonyms:
            key = self._keys[-1]
            self._run.facts["pseudonyms"] = {
                "columns": list(self._pseudonyms),
                "algorithm": ALGORITHM,
                "key": key.number,
                "key_id": key.id,
            }
        if self._count is not None:
            found = self._count.found()
            self._run.facts["k_anonymity"] = found._asdict()
            self._run.note(found.sentence)
        tell_erased(self._run, self._erasure)
        if self._masks:
            masked = {name: dict(mask.counts.most_common()) for name, mask in self._masks.items()}
            self._run.facts["masked"] = masked
            for name, counts in masked.items():
                said = ", ".join(f"{kind} {count:,}" for kind, count in counts.items()) or "nothing was found"
                self._run.note(f"masked in {name}: {said}.")
        for name, made in self._pseudonyms.items():
            if made.already:
                self._run.note(f"{name}: values that were pseudonyms before stay ({made.already:,}).")
        for hidden, column in self._hiding.showing() if self._hiding else ():
            self._run.warn(f"'{column}' shows what is hidden in '{hidden}': hide it too.")
