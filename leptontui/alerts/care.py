"""What people, and other parts of the program, do to alerts: acknowledge, silence, settle, hide. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from leptontui.alerts.life_state import LifeState, Track
from leptontui.alerts.silences import silence_of
from leptontui.model.alert import Acknowledgement, Alert, AlertState, Silence
from leptontui.model.alert_history import Happening, Transition
from leptontui.model.text import plain

_WORDS: Final = 500

Steps = tuple[LifeState, tuple[Transition, ...]]


def acknowledgement(who: str, why: str, now: float) -> Acknowledgement:
    """What is noted, safe to show."""
    return Acknowledgement(plain(who, 60) or "somebody", plain(why, _WORDS), now)


def acknowledge(state: LifeState, given: Mapping[str, Acknowledgement], now: float) -> Steps:
    """Note who looks after firing alerts until they clear; what does not fire, or is looked after already, stays."""
    tracks, transitions = dict(state.tracks), []
    for known, given_by in given.items():
        track = tracks.get(known)
        if track is None or track.alert.state is not AlertState.FIRING or track.alert.acknowledgement is not None:
            continue
        alert = replace(track.alert, acknowledgement=given_by)
        tracks[known] = replace(track, alert=alert)
        transitions.append(Transition(Happening.ACKNOWLEDGED, now, alert, given_by.who, given_by.why))
    return replace(state, tracks=tracks), tuple(transitions)


def unacknowledge(state: LifeState, alert_ids: Iterable[str], who: str, now: float) -> Steps:
    """Take acknowledgements back."""
    tracks, transitions = dict(state.tracks), []
    for known in dict.fromkeys(alert_ids):
        track = tracks.get(known)
        if track is None or track.alert.acknowledgement is None:
            continue
        alert = replace(track.alert, acknowledgement=None)
        tracks[known] = replace(track, alert=alert)
        transitions.append(Transition(Happening.UNACKNOWLEDGED, now, alert, plain(who, 60)))
    return replace(state, tracks=tracks), tuple(transitions)


def with_silences(state: LifeState, silences: Iterable[Silence], now: float) -> Steps:
    """Let these silences, and no others, hold from now on."""
    kept = tuple(sorted((one for one in silences if one.until_unix_s > now), key=lambda one: (one.from_unix_s, one.id)))
    if kept == state.silences:
        return state, ()
    tracks, transitions = dict(state.tracks), []
    for known, track in state.tracks.items():
        by = silence_of(track.alert, kept, now)
        if by == track.alert.silenced_by:
            continue
        alert = replace(track.alert, silenced_by=by)
        tracks[known] = replace(track, alert=alert)
        if alert.state is AlertState.FIRING:
            transitions.append(_told_of_silence(alert, by, kept, now))
    return replace(state, tracks=tracks, silences=kept), tuple(transitions)


def _told_of_silence(alert: Alert, by: str, silences: tuple[Silence, ...], now: float) -> Transition:
    if not by:
        return Transition(Happening.UNSILENCED, now, alert, why="its silence was ended")
    silence = next(one for one in silences if one.id == by)
    return Transition(Happening.SILENCED, now, alert, silence.who, silence.why)


def with_inhibitions(state: LifeState, inhibited_by: Mapping[str, str], now: float) -> Steps:
    """Let alerts be hidden by the alerts named, and all others by none."""
    tracks: dict[str, Track] | None = None
    transitions = []
    for known, track in state.tracks.items():
        by = inhibited_by.get(known, "")
        if by == track.alert.inhibited_by:
            continue
        alert = replace(track.alert, inhibited_by=by)
        tracks = dict(state.tracks) if tracks is None else tracks
        tracks[known] = replace(track, alert=alert)
        if alert.state is AlertState.FIRING:
            hider = state.tracks.get(by)
            why = hider.alert.summary if hider is not None else ""
            transitions.append(Transition(Happening.INHIBITED if by else Happening.UNINHIBITED, now, alert, why=why))
    return (state if tracks is None else replace(state, tracks=tracks)), tuple(transitions)


def settled(state: LifeState, host: str) -> LifeState:
    """Note that an action was verified on a host: what is latched there may end when its condition is over."""
    tracks = {
        known: replace(track, is_settled=True) if track.alert.subject.host == host else track
        for known, track in state.tracks.items()
    }
    return replace(state, tracks=tracks)
