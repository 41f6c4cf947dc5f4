"""What columns and actors are called in English, German and French exports."""

from __future__ import annotations

import re
import unicodedata

from journeylib.log.schema import Actor

# Names in plain form (see `plain`), the surest first: each later one counts a little less.
ROLE_NAMES: dict[str, tuple[str, ...]] = {
    "customer": (
        "customer id", "customer", "user id", "client id", "visitor id", "user", "client",
        "kunden id", "kundennummer", "kunden nr", "kunde", "id client", "numero client",
        "requester id", "requester", "caller id", "caller", "consumer id", "member id",
        "subscriber id", "contact id", "account id", "person id", "visitor", "utilisateur",
        "customer name", "requester email", "customer email", "uid", "account", "email",
    ),
    "journey": (
        "case concept name", "case id", "case", "journey id", "journey", "ticket id",
        "ticket number", "ticket nr",
        "ticketnummer", "numero ticket", "ticket", "incident number", "incident id", "number",
        "issue key", "issue id", "complaint id", "request id", "order id", "fall id",
        "fallnummer", "fall", "vorgangsnummer", "vorgang", "id dossier", "numero dossier",
        "dossier", "trace id", "dialogue id", "dialog id", "process id",
    ),
    "touchpoint": (
        "touchpoint", "activity", "concept name", "event name", "event", "activity name",
        "event type", "aktivitat", "ereignis", "activite", "evenement", "action", "step",
        "schritt", "etape", "incident state", "ident state", "ticket status", "new status",
        "page", "screen", "status", "state", "statut", "event action", "type", "issue", "task",
    ),
    "timestamp": (
        "timestamp", "time timestamp", "event time", "event timestamp", "time", "datetime",
        "zeitstempel", "zeitpunkt", "horodatage", "sys updated at", "start timestamp",
        "start time", "started at", "start", "occurred at", "event date", "updated at", "zeit",
        "datum", "date heure", "date received", "created at", "erstellt am", "date de creation",
        "cree le", "ts", "at", "date", "heure", "updated", "created",
    ),
    "end_timestamp": (
        "end timestamp", "end time", "ended at", "complete timestamp", "completed at", "end",
        "endzeit", "ende", "date de fin", "fin", "finished at", "beendet am",
    ),
    "lifecycle": ("lifecycle transition", "lifecycle", "transition"),
    "position": (
        "position", "turn", "turn number", "sequence number", "sequence", "seq", "event index",
        "step number", "sys mod count", "event number", "reihenfolge", "ordre", "laufende nummer",
    ),
    "channel": (
        "channel", "contact channel", "kanal", "canal", "contact type", "submitted via", "via",
        "medium", "platform", "kontaktkanal", "kontaktart", "source channel", "device", "source",
    ),
    "stage": ("stage", "journey stage", "phase", "funnel stage", "etape du parcours"),
    "segment": (
        "segment", "customer segment", "kundensegment", "segment client", "customer tier", "tier",
        "customer type", "user lifecycle", "plan",
    ),
    "intent": (
        "intent", "contact reason", "reason", "anliegen", "kontaktgrund", "motif", "topic",
        "thema", "category", "kategorie", "categorie", "product", "produkt", "produit",
    ),
    "office": ("office",),
    "actor": (
        "actor", "actor type", "author type", "sender type", "sender", "role", "akteur", "rolle",
        "acteur", "speaker", "org role", "absender", "performed by",
    ),
    "resource": (
        "resource", "org resource", "agent id", "agent", "agent name", "assignee", "assigned to",
        "handled by", "bearbeiter", "sachbearbeiter", "mitarbeiter", "ressource", "conseiller",
        "sys updated by", "operator", "owner", "user name",
    ),
    "session": (
        "session id", "session", "conversation id", "chat id", "call id", "visit id", "sitzung",
        "sitzungs id", "id session", "gesprachs id", "interaction id",
    ),
    "text": (
        "text", "message", "message text", "utterance", "body", "comment", "transcript",
        "nachricht", "kommentar", "texte", "commentaire", "content", "feedback", "description",
        "beschreibung",
    ),
    "sentiment": ("sentiment", "sentiment score", "polarity", "stimmung"),
    "rating": (
        "csat", "rating", "csat score", "satisfaction", "satisfaction score", "ces",
        "zufriedenheit", "bewertung", "note satisfaction", "stars",
    ),
    "cost": ("cost", "costs", "kosten", "cout", "handling cost"),
    "ai_disclosed": ("ai disclosed", "bot disclosed"),
    "context_sent": ("context sent",),
    "context_requested": ("context requested",),
    "context_opened": ("context opened",),
    "context_given": ("context given", "slots filled"),
    "handover": (
        "handover", "hand over", "handoff", "is handover", "live agent handoff", "escalated",
        "transferred to agent", "ubergabe", "transfert",
    ),
    "error": ("error", "is error", "exception", "failed", "fehler", "erreur"),
}  # fmt: skip

ACTOR_WORDS: dict[Actor, tuple[str, ...]] = {
    "customer": (
        "customer", "client", "user", "caller", "visitor", "consumer", "end user", "requester",
        "kunde", "kundin", "nutzer", "anrufer", "besucher", "utilisateur", "cliente", "member",
    ),
    "bot": (
        "bot", "chatbot", "voicebot", "assistant", "virtual assistant", "virtual agent", "vru",
        "ivr", "ai", "ki", "ia", "robot", "sprachcomputer", "svi", "llm",
    ),
    "human": (
        "human", "agent", "staff", "staff member", "employee", "operator", "advisor", "clerk",
        "representative", "supervisor", "technician", "engineer", "mensch", "mitarbeiter",
        "mitarbeiterin", "berater", "sachbearbeiter", "techniker", "humain", "conseiller",
        "technicien", "employe",
    ),
    "system": ("system", "systeme", "tool", "automation", "auto", "automatic", "api", "batch"),
}  # fmt: skip


def plain(name: str) -> str:
    """Return a name as lower-case words without accents: 'customerID' becomes 'customer id'.

    Examples
    --------
    >>> plain("case:concept:name"), plain("Aktivität"), plain("sysUpdated_at")
    ('case concept name', 'aktivitat', 'sys updated at')
    """
    bare = unicodedata.normalize("NFKD", name)
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", bare)
    return " ".join(re.findall(r"[a-z0-9]+", split.casefold()))


def name_score(column: str, role: str) -> float:
    """Say from 0 to 1 how much a column's name speaks for a role."""
    name = plain(column)
    known = ROLE_NAMES[role]
    if name in known:
        return 1.0 - 0.4 * known.index(name) / max(len(known), 1)
    words = set(name.split())
    inside = [i for i, candidate in enumerate(known) if set(candidate.split()) <= words]
    # A longer name may mean something else ('customer segment' is no customer).
    return 0.4 - 0.15 * inside[0] / len(known) if inside else 0.0


def actor_of_word(word: str) -> Actor | None:
    """Return the actor that a company's word means, or None: 'User_1' is a customer."""
    bare = re.sub(r"\s*\d+$", "", plain(word))
    for actor, words in ACTOR_WORDS.items():
        if bare in words or bare.rstrip("s") in words:
            return actor
    return None
