"""All GPUs of a host through NVML: what they are, how they are, which of them is lost, and a driver that comes back."""

from . import nvml as codes
from .card import Card
from .nvml import DriverGone, Lost, NoLibrary
from .parsing import clean
from .xids import XidEvents

RETRY_S = 10.0
"""A driver that is gone, and a GPU that is lost, are asked again this often."""
RETRY_LIBRARY_S = 60.0
_EARLY_S = 0.1
"""A sweep that comes a little early is in time."""
RENEW_S = 60.0
"""While a GPU is lost NVML is begun anew after so long: its session may keep saying so of one that was mended."""
RENEW_MOST_S = 960.0
"""The pauses double until they are as long as this: beginning anew is dear."""


class Gpus:
    """The GPUs, asked one by one.

    `prepare` and `visit` may block for as long as the driver does: they are called where that does no harm, and one
    at a time but for those that hang. All else answers at once and is called by one thread.

    Args:
        load: returns the pynvml module, or raises `NoLibrary`.
        listens: whether to have the driver tell of Xids; where the kernel's log can be read it tells more.

    Attributes:
        driver_version: of the driver, None without one.
        identities: uuid → the wire's `GpuIdentity` as a dict; GPUs that were lost since we started stay in it, MIG
            instances that were taken apart do not.
        version: grows when identities or the driver changed.
        told: index → `Told` of the GPUs that answered when they were last asked.
        losses: [(uuid or None, text)] of GPUs newly found lost, for the caller to take.
        is_hung: set by the caller while a call hangs: NVML is then neither ended nor begun.
    """

    def __init__(self, load=codes.load, *, listens=False):
        self._load = load
        self._listens = listens
        self._nvml = None
        self._retry_at = 0.0
        self._opened_at = 0.0
        self._renew_s = RENEW_S
        self._gap = {}
        self._end = None
        self._gone = set()
        self._absent = set()
        self.driver_version = None
        self.identities = {}
        self.version = 0
        self.losses = []
        self.is_hung = False
        self._forget(0)

    def _forget(self, count):
        """Begin to know the `count` GPUs of a new session."""
        self._count = count
        self._cards = {}
        self._retry = {}
        self._missing = {}
        self._unseen = set(range(count))
        self._xid_events = None
        self.told = {}

    @property
    def indices(self):
        """The driver's numbers of all GPUs it has."""
        return range(self._count)

    @property
    def gaps(self):
        """{what: why} of what cannot be read."""
        gaps = {}
        for told in self.told.values():
            gaps.update(told.gaps)
        gaps.update(("gpu %d" % index, why) for index, why in list(self._missing.items()))
        gaps.update(self._gap)
        return gaps

    # What may block

    def prepare(self, now):
        """Have NVML at work where it can be had, and take its Xids: [(uuid or None, code)].

        Args:
            now: monotonic time, in seconds.
        """
        if self._nvml is not None and self._count and len(self._retry) == self._count and self._end is None:
            # All are lost: only a new session can find them again.
            self._end, self._retry_at = (None,), now + RETRY_S
        elif self._retry and self._may_renew(now):
            self._end, self._retry_at = (None,), now
            self._renew_s = min(2.0 * self._renew_s, RENEW_MOST_S)
        if self._end is not None and not self.is_hung:
            self._close()
        if self._nvml is None and now >= self._retry_at and not self.is_hung:
            self._open(now)
        if self._nvml is not None and self._listens and self._end is None:
            self._listen()
        return self._xid_events.take() if self._xid_events else []

    def visit(self, index, now):
        """What GPU `index` tells now: (its card, `Told`), None where it is not to be asked.

        Args:
            index: one of `indices`.
            now: monotonic time, in seconds.

        Raises:
            Lost: it is gone.
            DriverGone: so is the driver.
            NVMLError: it has no uuid.
        """
        if self._nvml is None or self._end is not None or now < self._retry.get(index, now):
            return None
        card = self._cards.get(index) or Card(self._nvml, index, self.driver_version)
        answer = card, card.read(now)
        if self._xid_events:
            self._xid_events.follow(card)
        return answer

    def _open(self, now):
        self._retry_at = now + RETRY_S
        try:
            nvml = self._load()
        except NoLibrary as error:
            self._retry_at = now + RETRY_LIBRARY_S
            self._gap = {"gpu": str(error)}
            return
        try:
            nvml.nvmlInit()
            count = nvml.nvmlDeviceGetCount()
            driver = clean(nvml.nvmlSystemGetDriverVersion(), 64)
        except nvml.NVMLError as error:
            self._gap = {"gpu": _in_words(error)}
            codes.forget(nvml, unload=codes.code_of(error) == codes.LIB_RM_VERSION_MISMATCH)
            return
        self._gap = {}
        self._opened_at = now
        self._forget(count)
        if driver != self.driver_version:
            self.driver_version = driver
            self.version += 1
        self._nvml = nvml

    def _close(self):
        (error,), self._end = self._end, None
        nvml, self._nvml = self._nvml, None
        self._forget(0)
        if nvml is not None:
            codes.forget(nvml, unload=getattr(error, "code", None) == codes.LIB_RM_VERSION_MISMATCH)

    def _may_renew(self, now):
        """Whether to end the session for the sake of a lost GPU; never where that would end the others' counters, too.

        Without persistence the driver lets go of a GPU that nobody uses, and its volatile counters begin at 0 again.
        """
        if (
            self._nvml is None
            or self._end is not None
            or self.is_hung
            or now - self._opened_at < self._renew_s - _EARLY_S
        ):
            return False
        answering = [card for index, card in list(self._cards.items()) if index not in self._retry]
        return all(card.is_persistent for card in answering)

    def _listen(self):
        refusal = None
        if self._xid_events is None:
            try:
                self._xid_events = XidEvents(self._nvml)
            except self._nvml.NVMLError as error:
                self._xid_events, refusal = False, error
        elif self._xid_events:
            refusal = self._xid_events.refusal
        if refusal is not None:
            self._gap = dict(self._gap, xid="the driver does not tell: %s" % refusal)

    # What answers at once

    def release(self, until):
        """Let go of the driver until then, so that a GPU can be reset: `nvidia-smi --gpu-reset` wants it unused.

        Args:
            until: monotonic time, in seconds.
        """
        self._stop(None, until, "let go for now, so that a GPU can be reset")

    def take(self, index, answer, error, now):
        """Take in what a visit brought.

        Args:
            index: whose it was.
            answer: what it returned, None where it raised `error`.
            error: None otherwise.
            now: monotonic time, in seconds.
        """
        if isinstance(error, DriverGone):
            self._stop(error, now + RETRY_S, _in_words(error))
        elif error is not None:
            self._fail(index, error, now)
        elif answer is None:
            self.told.pop(index, None)
        elif self._end is None and self._nvml is not None:
            self._succeed(index, *answer)
        self._find_unlisted()

    def _stop(self, error, until, why):
        self._end, self._retry_at = (error,), until
        self._gap = {"gpu": why}
        self._missing = {}
        self.told = {}

    def _fail(self, index, error, now):
        self.told.pop(index, None)
        self._retry[index] = now + RETRY_S
        self._unseen.discard(index)
        uuid = self._uuid_of(index)
        if isinstance(error, Lost):
            if uuid is not None:
                self._lose(uuid, index, error)
            elif index not in self._absent:
                self._absent.add(index)
                self.losses.append((None, "GPU %d: %s" % (index, error)))
        if index not in self._cards:
            self._missing[index] = str(error)

    def _succeed(self, index, card, told):
        self._cards[index] = card
        self._unseen.discard(index)
        if index in self._absent or card.uuid in self._gone:
            self._renew_s = RENEW_S
        self._absent.discard(index)
        self._missing.pop(index, None)
        self._retry.pop(index, None)
        self.told[index] = told
        theirs = {identity["uuid"]: identity for identity in told.identities}
        known = {
            uuid: identity
            for uuid, identity in self.identities.items()
            if uuid == card.uuid or identity.get("parent_uuid") == card.uuid
        }
        if known != theirs:
            kept = {uuid: identity for uuid, identity in self.identities.items() if uuid not in known}
            self.identities = dict(kept, **theirs)
            self.version += 1
        if card.uuid in self._gone:
            self._gone.discard(card.uuid)
            self.version += 1

    def _find_unlisted(self):
        if self._nvml is None or self._end is not None or self._unseen:
            return
        listed = {card.uuid for card in self._cards.values()}
        for uuid, identity in self.identities.items():
            if uuid not in listed and not identity.get("parent_uuid"):
                self._lose(uuid, identity["index"], "the driver does not list it any more")

    def _lose(self, uuid, index, why):
        if uuid not in self._gone:
            self._gone.add(uuid)
            self.losses.append((uuid, "GPU %d: %s" % (index, why)))

    def _uuid_of(self, index):
        if index in self._cards:
            return self._cards[index].uuid
        for uuid, identity in self.identities.items():
            if identity["index"] == index and not identity.get("parent_uuid"):
                return uuid
        return None


def _in_words(error):
    return "the NVIDIA driver does not answer NVML: %s" % error
