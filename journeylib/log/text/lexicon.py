"""What customers and bots say, language by language: a further language is one more entry.

Phrases are regular expressions over text in lower case with straight apostrophes, in the part
of the syntax that RE2 (DuckDB) and Java (Spark) share: no look-around. They are matched between
letters of no word, so that ``rep`` is not found in ``report``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lexicon:
    """The phrases of one language.

    Attributes
    ----------
    language : str
        ISO 639-1 code.
    stop_words : str
        Frequent words by which the language is recognised, with blanks between.
    human_alone : str
        A message of nothing else asks for a human.
    human_request : tuple of str
        Phrases that ask for a human anywhere in a message.
    human_refusal : tuple of str
        Phrases that decline a human; they are cut out before requests are looked for.
    repetition : tuple of str
        The customer says that it was said before.
    correction : tuple of str
        The customer says that the answer is wrong, or not to what was asked.
    solved : tuple of str
        The customer says that it is solved.
    thanks : tuple of str
        Gratitude, or a plain yes to "did that help".
    doubt : tuple of str
        Catalogue that take the confirmation out of either.
    non_answer : tuple of str
        The bot says that it did not understand or cannot help.
    closing_offer : tuple of str
        A question by which a bot says goodbye; it waits for no answer.
    human_offer : tuple of str
        The bot offers a human, or says that one is coming.
    disclosure : dict of str to tuple of str
        The bot says that it is a machine, by kind: ``bot``, ``ai``, ``automated``,
        ``not_human``.
    """

    language: str
    stop_words: str
    human_alone: str
    human_request: tuple[str, ...]
    human_refusal: tuple[str, ...]
    repetition: tuple[str, ...]
    correction: tuple[str, ...]
    solved: tuple[str, ...]
    thanks: tuple[str, ...]
    doubt: tuple[str, ...]
    non_answer: tuple[str, ...]
    closing_offer: tuple[str, ...]
    human_offer: tuple[str, ...]
    disclosure: dict[str, tuple[str, ...]]


_EN_WHICH = (
    r"(?:(?:an?|the|your|some|any|another|actual|real|live|human|different|"
    r"customer|service|support|call|center|centre|care) )*"
)
_EN_WHO = (
    r"(?:humans?(?: being)?|persons?|people|someone(?: else)?|somebody(?: else)?|agents?|"
    r"representatives?|reps?|operators?|advis[eo]rs?|supervisors?|managers?|staff|employees?|"
    r"customer (?:service|support|care))"
)
_EN_STRONG_WHO = (
    r"(?:humans?(?: being)?|real persons?|live persons?|agents?|representatives?|reps?|"
    r"operators?|supervisors?|managers?)"
)
_EN_PASS = r"(?:transfer|connect|forward|escalate|pass|put|hand|switch|redirect)"

ENGLISH = Lexicon(
    language="en",
    stop_words=(
        "the a an is are was i i'm i've you my your it this that to of in on for with and or but "
        "not have has do does don't can could would please what how when me we be will as"
    ),
    human_alone=(
        r"(?:an? |the |human |live |real |speak |talk |to |with |customer |service )*"
        r"(?:agent|human|human being|representative|operator|real person|person|supervisor|"
        r"manager|customer service)(?:,? (?:now|please|pls|plz))*"
    ),
    human_request=(
        rf"(?:talk|speak|chat|communicate|deal)(?:ing)? (?:directly )?(?:to|with) "
        rf"{_EN_WHICH}{_EN_WHO}",
        rf"(?:someone|somebody|anyone|anybody|{_EN_STRONG_WHO})(?: else)? (?:that |whom? )?"
        r"(?:i|we) (?:can|could|may|might) (?:talk|speak|chat)",
        rf"(?:please|you|to|can|could|just|now|and|should|,|^) ?{_EN_PASS} (?:me|us|this|it)?"
        rf"(?: ?(?:over|through|directly|now|please|straight))* ?(?:to|with) {_EN_WHICH}{_EN_WHO}",
        rf"(?:be|being|get) (?:transferred|connected|put through|escalated|forwarded) (?:over )?"
        rf"(?:to|with) {_EN_WHICH}{_EN_WHO}",
        rf"(?:want|need|prefer|get me|give me|request|require|like)(?: to have| to get| to see)? "
        rf"{_EN_WHICH}{_EN_STRONG_WHO}",
        rf"but (?:to |with )?an? (?:real |live )?{_EN_STRONG_WHO}",
        r"is (?:there|anyone|anybody) (?:an? |any )?(?:human|real person|real people)(?: being)?",
        r"let me (?:talk|speak) (?:to|with)",
        r"(?:transfer|connect) me(?: please| now)? ?(?:[.!?,]|$)",
        r"go ahead with the transfer",
        rf"(?:connecting|transferring) (?:me )?(?:to|with) {_EN_WHICH}{_EN_WHO}",
        r"is there (?:an?|any) (?:supervisor|manager)",
    ),
    human_refusal=(
        rf"(?:not|\w+n't|never|without)(?: \w+)? (?:want|wanting|wish|wishing|need|like|having|"
        rf"have)? ?(?:to )?(?:be |get |being )?(?:transferred|connected|passed|put through|"
        rf"{_EN_PASS}|"
        rf"talk(?:ing)?|speak(?:ing)?|contact|chat)(?: me)? ?(?:over )?(?:to|with)? ?"
        rf"{_EN_WHICH}{_EN_WHO}",
        rf"(?:not|\w+n't|no) (?:want|need|need for) {_EN_WHICH}{_EN_WHO}",
    ),
    repetition=(
        r"(?:as|like) (?:i|we)(?:'ve| have)? (?:already |just )?(?:said|mentioned|told|explained|"
        r"wrote|written|stated)",
        r"(?:i|we)(?:'ve| have)? already (?:told|said|explained|gave|given|provided|mentioned|"
        r"answered|sent|shared|entered)",
        r"(?:i|we) (?:just|literally) (?:told|said|explained|gave|provided|answered|sent)",
        r"(?:second|third|fourth|fifth|sixth|tenth|umpteenth|hundredth|\d+(?:nd|rd|th)) time "
        r"(?:that )?(?:i|we)(?:'m|'ve|'re| am| are| have| had)?",
        r"for the (?:second|third|fourth|fifth|umpteenth|hundredth|\d+(?:nd|rd|th)) time",
        r"how (?:many times|often) (?:do|must|should|will) i",
        r"(?:repeat|repeating) (?:myself|this|it|everything)",
        r"(?:explain|explaining|say|saying|tell|telling you) (?:it |this |that |everything |you )?"
        r"(?:all )?(?:over )?again",
        r"is already provided",
    ),
    correction=(
        r"(?:that|this|it|which)(?:'s| is| was)? (?:just |simply |totally |completely |plain )?"
        r"(?:wrong|incorrect|not (?:right|correct|true)|false)",
        r"(?:that|this|it)(?: is|was)?n't (?:right|correct|true)",
        r"(?:wrong|incorrect) (?:answer|information|number|date|amount|order|account|address)",
        r"not what i (?:asked|said|meant|wanted)(?: for| about)?",
        r"(?:that's|that is|you're|you are) (?:mistaken|making (?:that|this|it) up)",
        r"you (?:got|have got|have) (?:that|this|it|me) wrong",
        r"you misunderst\w+|no,? i (?:meant|said|asked)",
    ),
    solved=(
        r"(?:that|it|this)(?:'s| is| has)? (?:now )?(?:solved|fixed|resolved|sorted|worked)"
        r"(?: it| now)?",
        r"(?:it|that|this|everything) (?:works|is working)(?: now| again| fine)?",
        r"(?:problem|issue|question) (?:is )?(?:solved|fixed|resolved|sorted|answered)",
        r"that(?:'s| is| was|'ll be| will be| would be) (?:all|everything)(?: i| that i| we)?"
        r"(?: need(?:ed)?| wanted)?",
        r"(?:that|this) (?:helped|helps|answers my question|answered my question)",
        r"nothing else",
    ),
    thanks=(
        r"thank you|thanks|thx|cheers|much appreciated",
        r"(?:^|\. ?)(?:yes|yep|perfect|great|excellent|wonderful|awesome)[.! ]*$",
    ),
    doubt=(
        r"but|not|no|never|still|unfortunately|however|useless|cannot|\w+n't|human|agent|"
        r"supervisor|instead|again|wrong",
    ),
    non_answer=(
        r"(?:did not|didn't|do not|don't|could not|couldn't|cannot|can't)(?: \w+)? "
        r"(?:understand|catch|follow|get that|make sense)",
        r"(?:unable|not able) to (?:\w+ )?(?:help|assist|process|answer|understand)",
        r"(?:cannot|can't|could not|couldn't) (?:\w+ )?(?:help|assist|answer)",
        r"(?:please )?(?:rephrase|try again|reword)",
        r"not sure (?:i understand|what you mean)",
        r"(?:something|that) went wrong",
    ),
    closing_offer=(
        r"[^.?!]*(?:anything|something) else[^.?!]*\?",
        r"[^.?!]*(?:help|assist) you (?:with anything )?further[^.?!]*\?",
    ),
    human_offer=(
        rf"(?:{_EN_PASS}(?:ing)?|putting|handing|passing) you (?:over |through |on )?(?:now )?"
        rf"(?:to|with) {_EN_WHICH}(?:{_EN_WHO}|colleague)",
        rf"(?:be|being) (?:transferred|connected) (?:to|with) {_EN_WHICH}(?:{_EN_WHO}|colleague)",
        rf"(?:talk|speak|chat) (?:to|with) {_EN_WHICH}(?:{_EN_WHO}|colleague)",
        r"(?:human|live) (?:agent|advisor|adviser|representative|support|colleague)",
    ),
    disclosure={
        "bot": (
            r"(?:chat|voice)?-?bots?",
            r"(?:virtual|digital|online|automated|ai) (?:\w+ )?(?:assistant|agent|helper|advisor)",
        ),
        "ai": (r"ai|a\.i\.|artificial intelligence|language model|ai-(?:\w+)",),
        "automated": (
            r"(?:automated|automatic) (?:\w+ )?"
            r"(?:system|service|message|assistant|reply|answer|chat)",
            r"(?:i'm|i am|this is|you(?:'re| are) (?:talking|speaking|chatting) (?:to|with)) "
            r"an? (?:\w+ )?(?:machine|computer|program|robot)",
        ),
        "not_human": (
            r"(?:i'm|i am|this is) not an? (?:real |live |actual )?(?:human|person)(?: being)?",
            r"not (?:talking|speaking|chatting) (?:to|with) an? (?:real |live )?(?:human|person)",
        ),
    },
)

_DE_WHICH = (
    r"(?:(?:ein(?:en|em|er|e)?|nem|ner|dem|den|der|die|ihren?|ihrem|euren?|echten?r?|richtigen?r?|"
    r"realen?r?|menschlichen?r?|lebenden?|anderen?|zuständigen?) )*"
)
_DE_WHO = (
    r"(?:mensch(?:en)?|mitarbeiter(?:in|n)?|person|berater(?:in)?|agent(?:en)?|kolleg(?:en|in)|"
    r"vorgesetzten?r?|ansprechpartner(?:in)?|kundenberater(?:in)?|sachbearbeiter(?:in)?|"
    r"kundenservice|jemande[mn]|jemand)"
)

GERMAN = Lexicon(
    language="de",
    stop_words=(
        "der die das ein eine einen einem ist sind war ich sie mein meine ihr ihre es zu von im "
        "auf für mit und oder aber nicht habe hat kann können bitte was wie wann mir wir wird "
        "dass den dem noch schon überhaupt kein keine"
    ),
    human_alone=(
        r"(?:ein(?:en)? |echter |echten |bitte )*(?:mensch|menschen|mitarbeiter(?:in)?|"
        r"berater(?:in)?|agent|kundenberater|kundenservice)(?:,? (?:bitte|jetzt|sofort))*"
    ),
    human_request=(
        rf"mit {_DE_WHICH}{_DE_WHO}(?: \w+){{0,3}} (?:sprechen|reden|chatten|telefonieren|"
        r"verbinden|verbunden|verbindet)",
        rf"(?:sprechen|reden|verbinden|verbinde|verbindet)(?: sie)?(?: mich| uns)?(?: bitte)? "
        rf"(?:mit|zu) {_DE_WHICH}{_DE_WHO}",
        rf"(?:will|möchte|brauche|hätte gern|verlange|wünsche)(?: \w+){{0,2}}? "
        rf"(?:einen?|jemanden) {_DE_WHICH}{_DE_WHO}",
        rf"sondern (?:mit )?{_DE_WHICH}{_DE_WHO}",
        r"(?:gibt es|ist da|ist hier)(?: \w+){0,2} (?:ein(?:en)? )?(?:echte[nr]? )?mensch(?:en)?",
        r"echten menschen",
        rf"(?:an|zu) {_DE_WHICH}{_DE_WHO} (?:weiterleiten|weitergeleitet|durchstellen)",
    ),
    human_refusal=(
        rf"(?:nicht|ohne|keinesfalls)(?: \w+)? (?:mit|an|zu) {_DE_WHICH}{_DE_WHO}"
        r"(?: \w+){0,2}? (?:sprechen|reden|verbunden|verbinden|weitergeleitet|zu sprechen)",
        rf"(?:kein(?:en|e)?) {_DE_WHICH}{_DE_WHO}",
    ),
    repetition=(
        r"zum (?:zweiten|dritten|vierten|fünften|zehnten|hundertsten|x-ten|wiederholten|"
        r"\d+\.) ?mal",
        r"wie (?:ich |wir )?(?:schon|bereits|eben|gerade)?(?: \w+)? ?(?:gesagt|erwähnt|geschrieben|"
        r"mitgeteilt|erklärt)",
        r"(?:habe?|haben) (?:ich|wir) (?:\w+ ){0,3}(?:schon|bereits|eben|gerade) (?:\w+ ){0,3}"
        r"(?:gesagt|erwähnt|geschrieben|mitgeteilt|erklärt|angegeben|geschickt|beantwortet)",
        r"(?:ich|wir) (?:habe?|haben) (?:\w+ ){0,3}(?:schon|bereits) (?:\w+ ){0,3}"
        r"(?:gesagt|erwähnt|geschrieben|mitgeteilt|erklärt|angegeben|geschickt|beantwortet)",
        r"wie oft (?:soll|muss|müssen) (?:ich|wir)",
        r"(?:nochmal|noch einmal|schon wieder) (?:erklären|sagen|wiederholen|angeben)",
    ),
    correction=(
        r"(?:das|dies|es|die antwort) (?:ist|war|stimmt)(?: so| aber| leider| doch)? "
        r"(?:falsch|nicht (?:richtig|korrekt|wahr)|nicht)",
        r"stimmt (?:so |aber |doch )?nicht",
        r"falsche (?:antwort|auskunft|nummer|adresse|information)",
        r"(?:das )?(?:habe ich nicht|war nicht,? was ich) (?:gefragt|gemeint|gesagt|gewollt)",
        r"nein,? ich (?:meinte|meine|sagte|wollte|fragte)",
        r"(?:falsch|miss)verst(?:anden|ehen)",
    ),
    solved=(
        r"(?:problem|frage|sache|alles)(?: ist| hat sich)? (?:gelöst|geklärt|erledigt|beantwortet)",
        r"(?:es|das|jetzt) (?:funktioniert|geht|klappt)(?: jetzt| wieder| nun)?",
        r"hat (?:sich )?(?:erledigt|geholfen|geklappt|funktioniert)",
        r"das (?:war|ist|wäre) (?:schon )?alles",
    ),
    thanks=(
        r"danke|dankeschön|vielen dank|besten dank|herzlichen dank",
        r"(?:^|\. ?)(?:ja|perfekt|super|prima|toll)[.! ]*$",
    ),
    doubt=(r"aber|nicht|nein|nie|leider|trotzdem|kein\w*|mensch\w*|mitarbeiter\w*|falsch|wieder",),
    non_answer=(
        r"(?:nicht|leider nicht) (?:ganz |richtig )?(?:verstanden|verstehen)",
        r"verstehe (?:\w+ ){0,2}nicht",
        r"(?:kann|konnte) (?:\w+ ){0,3}nicht (?:\w+ )?(?:helfen|weiterhelfen|beantworten)",
        r"anders (?:formulieren|ausdrücken)|umformulieren|erneut versuchen",
    ),
    closing_offer=(r"[^.?!]*(?:sonst noch|noch etwas|weiterhelfen|weitere fragen)[^.?!]*\?",),
    human_offer=(
        rf"(?:verbinde|leite|übergebe|stelle) (?:\w+ )?(?:sie|dich|ihr anliegen) (?:\w+ ){{0,2}}?"
        rf"(?:mit|an|zu) {_DE_WHICH}{_DE_WHO}",
        rf"mit {_DE_WHICH}{_DE_WHO} (?:\w+ ){{0,2}}(?:sprechen|verbinden|verbunden)",
    ),
    disclosure={
        "bot": (
            r"(?:chat|voice)?-?bots?",
            r"(?:virtuelle[rn]?|digitale[rn]?|automatische[rn]?|ki-?) ?(?:\w+ )?"
            r"(?:assistent(?:in)?|berater(?:in)?|helfer(?:in)?)",
        ),
        "ai": (r"ki|künstlichen? intelligenz|sprachmodell|ki-(?:\w+)",),
        "automated": (
            r"(?:automatisch|automatisiert)(?:e[srn]?)? (?:\w+ )?"
            r"(?:system|dienst|antwort|nachricht|auskunft)",
            r"(?:bin|ist|mit) (?:\w+ )?(?:eine[rm]?|ein) (?:\w+ )?"
            r"(?:maschine|computer|programm|roboter)",
        ),
        "not_human": (
            r"(?:bin|ist) kein (?:echter |richtiger )?mensch",
            r"nicht mit einem (?:echten |richtigen )?menschen",
        ),
    },
)

LEXICONS: tuple[Lexicon, ...] = (ENGLISH, GERMAN)
