"""What stays inside the house: ticket numbers, hosts, paths, colleagues' private lives, how we speak of customers."""

import re
from collections.abc import Iterator
from typing import Final

from desk.lint.reading import Reading, Sentence

_FLAGS: Final = re.IGNORECASE
Place = tuple[int, int]

_SYSTEMS: Final = (
    r"(?:jira|redmine|zendesk|freshdesk|otrs|zammad|servicenow|salesforce|hubspot|trello|asana|linear|bugzilla"
    r"|mantis|confluence|sharepoint|gitlab|youtrack|topdesk|bitbucket|notion|sap|crm|znuny|azure devops|monday\.com"
    r"|slack|teams)"
)
_PLACES: Final = re.compile(
    rf"\b{_SYSTEMS}(?:[ -](?:ticket|issue|fall|vorgang|case|board|eintrag|karte|card|page|seite|task"
    rf"|incident))?[ :#-]{{0,3}}(?:nr\.? ?|no\.? ?)?#?[A-Z]{{0,10}}[-_ ]?\d{{2,}}\b"
    r"|\\{2,4}[\w.$-]+(?:\\+[^\s\\,;]{1,80})+|\b[A-Z]:\\[^\s,;]{2,120}|\bsmb://\S+|\bfile://\S+"
    r"|\b(?:https?://)?(?:[\w-]{1,60}\.){1,4}(?:intranet|intern|internal|corp|lan|local|localdomain"
    r"|priv)\b(?:\.[\w-]{1,40}){0,3}(?::\d{2,5})?(?:/[^\s,;)]{0,200}[^\s,;).!?])?"
    r"|\bintranet(?:/[^\s,;)]{1,200}[^\s,;).!?]|\.[\w-]+\.\w+)"
    r"|\bhttps?://(?:intranet|wiki|confluence|jira|sharepoint|git|gitlab|grafana|kibana|jenkins|admin|backoffice|crm"
    r"|staging|localhost)[\w.-]*(?::\d{2,5})?(?:/[^\s,;)]{0,200}[^\s,;).!?])?|\b(?:wiki|confluence|jira|intranet"
    r"|sharepoint|grafana|kibana|jenkins|gitlab|crm|backoffice"
    r"|staging)\.[\w.-]+\.\w{2,10}(?:/[^\s,;)]{0,200}[^\s,;).!?])?"
    r"|\bhttps?://(?:10|127)(?:\.\d{1,3}){3}\S*|\bhttps?://192\.168(?:\.\d{1,3}){2}\S*|\b(?:10(?:\.\d{1,3}){3}"
    r"|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2})(?!\.\d)(?:/\S*)?|\blocalhost(?::\d+)?\b"
    r"|(?<![\w/.-])[A-Z]{2,8}-\d{2,7}\b(?=[^\n]{0,40}\b(?:ticket|backlog|sprint|board|issue|bug|erfasst|angelegt"
    r"|eröffnet|filed|logged|raised|tracked)\b)|(?:(?<=ticket )|(?<=issue ))[A-Z]{2,8}-\d{2,7}\b"
    r"|\b[a-z]{2,12}-(?:prod|prd|stage|staging|dev|test|db|web|app|srv|mail|sql|fs)-?\d{0,3}(?:[.-][a-z0-9-]+)*\b"
    r"|\b(?:srv|db|fs|dc|app|web|vm|esx|sql|node|host"
    r"|prod)(?:-[a-z]{2,10})?-?\d{1,3}(?:[.-][a-z][\w-]*)*\b(?:\.\w+)*|\b(?:[a-z]+-)?(?:db|srv|app|web|vm"
    r"|sql)-?\d{1,3}\b|(?<!\w)#(?:team|help|ops|dev|support|intern|incident|backoffice|cs)-[\w-]+",
    _FLAGS,
)
_STAFF: Final = re.compile(
    (
        r"\b(?:chef\w*|boss|kolleg\w+|colleague|manager)\b.{0,20}\bprivat\w*\b.{0,20}?[\d+(][\d ()/–-]{5,20}\d"
        r"|\b(?:his|her|their|my colleague's|private|personal|own|privat\w*|eigene[rn]?|seine|ihre private"
        r"|deren) (?:own |private |personal |private |privat\w* |eigene )?(?:phone|mobile|cell|number|handy\w*"
        r"|nummer|telefon\w*|handynummer|mailadresse|adresse"
        r"|whatsapp)\b(?: number)?(?:[^,.;!?\n]{0,30}?[\d+(][\d ()/–-]{5,20}\d)?"
        r"|\b(?:privat|zu hause|at home|auf dem handy|on his mobile|on her mobile) (?:unter|on|at"
        r"|erreichbar unter)? ?[\d+(][\d ()/–-]{5,20}\d"
    ),
    _FLAGS,
)
_LIVES: Final = re.compile(
    r"\b(?:(?:herrn?|frau|kollege|kollegin|mr|mrs|ms|our \w+|unser \w+|unsere \w+|die kollegin|der kollege"
    r"|my (?:boss|manager|colleague)|the manager|(?-i:[A-ZÄÖÜ][a-zäöü]+))\b.{0,60}\b(?:wohnt|lives|ist krank\w*"
    r"|krankgeschrieben|im krankenstand|in elternzeit|schwanger|burn-?out|off sick|on sick leave|gekündigt|entlassen"
    r"|fired|was sacked|got sacked|scheidung|divorce|depress\w+|reha|rehab|pregnant|krankenhaus|in hospital"
    r"|kündigung|abgemahnt|laid off|disciplinary|maternity|burn-?outs?|going through a|chemo\w*|therapie|in therapy"
    r"|having (?:chemo|surgery|an operation|a baby)|off with|burnt out|entzug|mutterschutz|fehlgeburt|miscarriage"
    r"|bandscheibe\w*|operiert|hospital|pleite|getrennt|alcohol\w*|alkohol\w*|probezeit|probation))\b",
    _FLAGS,
)
_OWN_TALK: Final = re.compile(
    r"\b(?:written|verbal|final) warning\b|\babmahnung (?:bekommen|erhalten|kassiert)\b|\bintern (?:bis|ab|nur|immer"
    r"|heißt|geht)\b|\b(?:ich verrate ihnen|ich verrate dir) was\b|\bunsere intern\b|"
    r"\bbetween ourselves\b|"
    r"\b(?:im|in|laut|aus|unser\w*|our|the) (?:crm|sap|jira|backoffice|back-?office|confluence|sharepoint|salesforce"
    r"|zendesk|otrs|redmine|zammad|backlog|jour fixe|admin-?panel|admin-?bereich|dienstplan|schichtplan|rota"
    r"|personalakte|stand-?up)\b|\b(?:kostenstelle|personalnummer|mitarbeiterrabatt|personalrabatt|staff (?:discount"
    r"|code|only|login|wifi|room)|employee (?:discount|code|number)|mitarbeiter(?:code|zugang|login|portal)|kpi|aht"
    r"|handling time|vertraulich|confidential|not public(?:ly)?|nur intern|für den internen gebrauch"
    r"|for internal use|kundenwert|customer score|churn-?score|bonitäts?\w*)\b"
    r"|\b(?:intern (?:läuft|gilt|heißt|steht|haben wir|sagen wir|führen|ist|nennen)|laut (?:interner"
    r"|unserem internen|unserer internen|skript|leitfaden)|interne[rsnm]? (?:anweisung|richtlinie|vorgabe|notiz"
    r"|leitfaden|dokument|wiki|liste|ticket|vermerk|handbuch|kürzel|prozess|kulanzgrenze|regel|system|kalkulation"
    r"|mail|nummer|durchwahl)\w*|kulanzgrenze|schwarze liste|blacklist|problemkunde\w*|risikokunde\w*|querulant\w*"
    r"|vertriebsvorgabe\w*|einkaufspreis|marge|betriebsrat|noch nicht öffentlich|nicht weitersagen|unter uns"
    r"|von mir haben sie das nicht|das bleibt unter uns|off the record|between you and me|between us|don't tell"
    r"|keep this to yourself|not supposed to|internally (?:we|it|this|known|flagged|tracked|called)"
    r"|internal (?:policy|guideline|note|memo|wiki|tool|ticket|doc|document|system|number|code|target|list|script"
    r"|limit|reference|extension|tracker|chat|rule)s?|our script|unser skript|flagged (?:as"
    r"|in our) (?:a )?(?:difficult|vip|high|serial|problem|risk)|difficult customer|serial complainer|margin"
    r"|cost price|churn|escalation level|tier \d|second level|2nd level|admin-?passwor[dt]|root-?passwor[dt]"
    r"|master-?passwor[dt]|passwor[dt] for the (?:back|admin))\b"
    r"|\b(?:runbook|playbook|textbaustein|makro|macro) ?(?:nr\.?|no\.?|#)? ?\d+\b"
    r"|\b(?:staging|production|prod|live) (?:db|database|server|system|box|cluster)\b|\bbackend\b|\badmin (?:panel"
    r"|tool|console|area)\b|\b(?:feature flag|hotfix branch|deploy(?:ment)? pipeline|build server|stack ?trace"
    r"|kubernetes|jenkins)\b"
    r"|\b(?:our|unser\w*|the|das|die) (?:help ?desk|ticket\w*|support|service|crm|kunden)[- ]?(?:software|system"
    r"|tool|programm|datenbank|database)\b"
    r"|\b(?:in|im) (?:our|unser\w*) (?:system|queue|kundensystem|kartei|datei|files) (?:\w+ ){0,4}(?:als|as)\b"
    r"|\b(?:has|have|führt|führen|got) you (?:down|listed|filed|tagged) as\b"
    r"|\bim system (?:stehst|stehen|bist|sind) (?:du|sie)\b|\b(?:closing|shutting|axing|selling) (?:this|the"
    r"|our) (?:branch|store|site|shop|office|plant)"
    r"|\b(?:filiale|standort|laden|werk|abteilung)\b.{0,40}\b(?:macht|wird|werden) (?:\w+ ){0,4}(?:dicht"
    r"|dichtgemacht|geschlossen|zugemacht|verkauft|aufgelöst)\b.{0,60}\b(?:wissen|erfahren|runde|intern|gehört"
    r"|besprechung|montag)"
    r"|\b(?:head office|management|hq|the boss|legal|marketing|zentrale|geschäftsführung|geschäftsleitung|vorstand"
    r"|chef\w*) (?:\w+ ){0,3}(?:told us|wants? us|says? not|don't want|doesn't want|has decided to|plans? to"
    r"|will nicht|will .{1,40} einstellen"
    r"|hat uns (?:gesagt|verboten|angewiesen)|möchte nicht|plant|streicht)\b|\bnoch nicht (?:raus|offiziell"
    r"|spruchreif|bekannt|öffentlich)\b|\bnot (?:official|announced|out) yet\b|\bnot to mention\b"
    r"|\bflagged as (?:an? )?\w+"
    r"|\b(?:laut|in) (?:unserem|unserer) (?:crm|system|datenbank|kartei) (?:\w+ ){0,3}(?:als|ein\w*|schwierig\w*)\b"
    r"|\b(?:restructuring|redundancies|stellenabbau|sparkurs|budgetkürzung\w*|hiring freeze|personalmangel"
    r"|unterbesetzt)\b"
    r"|\ball-?hands\b|\b(?:whole|entire|half the) (?:team|department|office) (?:is|are) (?:being )?(?:let go|leaving"
    r"|laid|made)"
    r"|\b(?:halbe|ganze|gesamte) (?:team|abteilung|belegschaft|schicht) (?:\w+ ){0,4}(?:krank|gekündigt|entlassen"
    r"|geht|weg)\b"
    r"|\b(?:nebenstelle|interne durchwahl|staff only|nicht für kunden|not for customers|don\'t share)\b",
    _FLAGS,
)
_BARE_TICKET: Final = re.compile(
    r"\b(?:ticket|case|incident|bug|fall|vorgang) ?#\d{3,10}\b|\b(?:ext|extension|nebenstelle)\.? ?\d{2,5}\b"
    r"|\b(?:https?://)?(?:docs\.google|drive\.google|[\w-]+\.slack|[\w-]+\.atlassian|trello|[\w-]+\.notion"
    r"|notion)\.(?:com|net|so|site)/\S+[\w/]"
    r"|\b(?:(?:internes? |unser |our )?(?:ticket|fallnummer|vorgang|incident|case|bug|issue)) ?(?:nr\.?|no\.?|number"
    r"|nummer|id)? ?#?[A-Z]{2,8}[-_ ]?\d{3,10}\b|\b(?:INC|CHG|PRB|RITM|REQ|TKT|ZD|SUP|DEV|OPS|BUG|HD|CS|SOC|TASK"
    r"|STORY|EPIC)[-_#]?\d{3,10}\b"
)


def internal(reading: Reading) -> Iterator[Place]:
    """Yield what nobody outside is to read."""
    for sentence in reading.sentences:
        taken: list[Place] = []
        for pattern in (_PLACES, _BARE_TICKET, _STAFF):
            for found in pattern.finditer(sentence.words):
                place = (sentence.start + found.start(), sentence.start + found.end())
                if found[0].strip() and not any(start < place[1] and place[0] < end for start, end in taken):
                    taken.append(place)
        if (lives := _LIVES.search(sentence.words)) is not None:
            taken.append(_clauses_around(sentence, lives, whole=True))
        if (
            not taken
            and (talk := _OWN_TALK.search(sentence.words)) is not None
            and not re.search(r"interne[rn]? speicher|internal storage", sentence.words, _FLAGS)
        ):
            taken.append(_all_of(sentence) if _LEADS.match(talk[0]) else _clauses_around(sentence, talk, whole=False))
        yield from taken


_LEADS: Final = re.compile(
    r"unter uns|between (?:us|you|ourselves)|don't tell|nicht weitersagen|von mir haben|das bleibt|off the record"
    r"|our |unser"
    r"|not supposed|keep this|confidential|vertraulich|all-?hands",
    _FLAGS,
)


def _all_of(sentence: Sentence) -> Place:
    return sentence.start, sentence.end


def _clauses_around(sentence: Sentence, found: re.Match[str], *, whole: bool) -> Place:
    start, end = sentence.start + found.start(), sentence.start + found.end()
    first = next((clause for clause in sentence.clauses if clause.end > start), sentence.clauses[0])
    last = next((clause for clause in sentence.clauses if clause.end >= end), sentence.clauses[-1])
    end = last.end
    if whole:
        for clause in sentence.clauses:
            if clause.start > last.start and re.search(
                r"(?:straße|weg|gasse|platz|str\.|road|street|lane|avenue|close|allee|ring|steig)\b ?\d"
                r"|\d+ \w+ (?:road|street|lane)|^\d",
                clause.words,
                _FLAGS,
            ):
                end = clause.end
                break
    tail = sentence.words[end - sentence.start :]
    if first.start == sentence.start and not any(letter.isalnum() for letter in tail):
        end = sentence.end
    return first.start, end
