"""Words that send a customer elsewhere, or say that somebody has it now whom nobody knows."""

import re
from collections.abc import Iterator
from typing import Final, Literal

from desk.lint.promising import GREETING
from desk.lint.reading import Part, Reading, Sentence

Elsewhere = Literal["send_elsewhere_mail", "send_elsewhere_phone", "send_elsewhere_form"]
_FLAGS: Final = re.IGNORECASE
LONGEST_TAIL: Final = 60

ADDRESS: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", _FLAGS)
PHONE: Final = re.compile(
    r"(?<![\w.,-])(?<!\d )(?:\+|\(?0|\(?[2-9]\d\d[ )-])[\d ()/–-]{5,20}\d(?!\w)|(?<![\w.,-])555-\d{4}(?!\w)"
)

ASKED: Final = re.compile(  # the customer wanted to know it
    r"\b(?:gewünscht\w*|erbeten\w*|angefragt\w*|gefragt (?:haben|hast|hattest|hatten)|(?:hatten|hattest|haben"
    r"|hast) (?:\w+ ){0,5}gefragt|danach gefragt|wie gewünscht|du wolltest|sie wollten|gesucht\w*|deine frage nach"
    r"|ihre frage nach|nach der (?:sie|du)|die (?:sie|du) suchst|lieber anrufen|lieber (?:telefonieren|mailen))\b"
    r"|\b(?:you (?:asked|wanted|requested|were (?:looking|after)|couldn't find|mentioned wanting)|as requested"
    r"|you'd (?:asked|like to (?:call|ring|email|phone))|since you(?:'d)? (?:asked|prefer)|you prefer"
    r"|you were asking|you're (?:looking for|after)|requested)\b"
    r"|\b(?:fragten|fragtest|gebeten|batest|baten sie|wolltest du|wünschten|erwähnten|auf ihren wunsch|auf wunsch"
    r"|um die sie|um die du|nach der du|nach denen sie|die sie suchten|das sie suchten|die du suchtest"
    r"|nicht gefunden (?:haben|hast)|wissen wollten|wissen wolltest)\b"
    r"|\b(?:the (?:number|address|form|link|page|email) you|you'd rather|you said you(?:'d)? (?:prefer|rather|like)"
    r"|at your request|you did ask|your question was|couldn't find|couldn't locate)\b",
    _FLAGS,
)
_EMERGENCY: Final = re.compile(
    r"\b(?:112|110|999|911|116 ?117|116 ?123|notruf|notfall\w*|giftnotruf|telefonseelsorge|feuerwehr|rettungsdienst"
    r"|krisendienst|emergency|samaritans|ambulance|fire brigade|gas emergency|lifeline|poison|polizei|police"
    r"|sperr-?notruf|crisis)\b"
    r"|\b(?:gift\w*|\w*notdienst\w*|bereitschaftsdienst|entstör\w*|gasgeruch|gas leak|smell of gas|krisentelefon"
    r"|sorgentelefon|hilfetelefon|nummer gegen kummer|childline|suicid\w*|suizid\w*|domestic abuse|overdose|vergift\w*"
    r"|swallowed|verschluckt|lebensgefahr|life-?threatening|ambulanz|notaufnahme|a&e|emergency room"
    r"|coastguard|bergrettung)\b",
    _FLAGS,
)
_NO_NEED: Final = re.compile(
    r"\b(?:müssen (?:sie |sich )?(?:\w+ ){0,4}(?:nicht|kein\w*|nirgend\w*)|brauchen (?:sie )?(?:\w+ ){0,4}(?:nicht"
    r"|kein\w*)|brauchst (?:du )?(?:\w+ ){0,4}(?:nicht|kein\w*)|musst (?:du )?(?:\w+ ){0,4}(?:nicht|kein\w*)"
    r"|nicht nötig|ohne (?:anruf|formular|mail|umweg)|kein (?:formular|anruf|ticket)|keine (?:mail|hotline|e-mail)"
    r"|statt|weder|nirgends?)\b|\b(?:anrufen|schreiben|mailen|ausfüllen) (?:müssen sie|musst du|brauchen sie"
    r"|brauchst du) (?:\w+ ){0,2}nicht\b"
    r"|\bneither\b|\bnothing to (?:fill|ring|call|send)\b"
    r"|\b(?:don't (?:need|have) to|no need to|needn't|you do not need|without (?:calling|emailing|having)"
    r"|don't (?:call|ring|email|bother)|instead of|rather than|no form)\b",
    _FLAGS,
)
_OURS: Final = re.compile(  # what we do, or did, by mail or telephone
    r"\b(?:ich|wir)\b.{0,40}\b(?:rufe|rufen|ruf|schicke|schicken|sende|senden|maile|mailen|angerufen|geschickt"
    r"|gesendet|gemailt|versucht|erreichen|erreicht)\b|\b(?:rufe?|rufen|schicken?|senden?|mailen?) (?:ich|wir)\b"
    r"|\bruft (?:\w+ )?(?:sie|dich|ihnen|dir|an|zurück)\b|\b(?:call|ring|phone|email|calling|ringing) (?:you|him"
    r"|her)\b(?! can)"
    r"|\b(?:i|we)(?:'ll|'ve| will| have| tried|'m|'re| are| am)? ?(?:just )?(?:call|ring|phone|email|emailed|called"
    r"|rang|phoned|phoning|calling|ringing|emailing|send|sent|mail|mailed|write|wrote|tried)(?:ed|ing)?\b|\b(?:ging"
    r"|kam|kommt|absender|sender|sent from|went to|sent to|comes from|from)\b.{0,16}[\w.+-]+@|\b(?:ging|gingen|went"
    r"|gesendet|geschickt|versandt|sent|hinterlegt|registered|gespeichert|(?:we have|number|address) on file"
    r"|auf ihren namen)\b",
    _FLAGS,
)
_MAIL: Final = re.compile(
    r"\be-?mail(?:en|e|st|t|s|ing|ed)?\b|(?<!royal )(?<!postal )\bmail(?:en|e|st|t|s|ing|ed)?\b|\b(?:mailadresse"
    r"|postfach|inbox|mailbox|in writing|schriftlich)\b",
    _FLAGS,
)
_PHONE: Final = re.compile(
    r"\bby phone\b|"
    r"\b(?:rufen|ruf|ruft|rufst|anrufen|anruf|anzurufen|anrufst|angerufen|klingel\w*|durchklingeln|durchzuklingeln"
    r"|bimmel\w*|läute\w*|telefonieren|telefoniere|hörer|telefon\w*|fernmündlich|\w*hotline|helpline\w*"
    r"|service-?nummer|\w+telefon|durchwahl|rufnummer|call-?cent(?:er|re)\w*|switchboard)\b"
    r"|\b(?:call|calling|ring|ringing|phone|phoning|telephone|dial|dialling)(?= (?:(?-i:[A-Z][a-z]+)|us|our|the|them"
    r"|their|your|my|up|in|and|on|for|customer|\d|\+|\()|[,.!]|$|s? (?:\w+ ){0,2}(?:line|team|desk|number|only"
    r"|instead|directly|first))|\b(?:a|quick) (?:call|ring|bell|buzz|tinkle)\b|\b(?:by|over the|via|on the|up the"
    r"|on the) (?:tele)?phone\b|\bphone[- ]only\b|\b(?:phone|support|order|customer|care|service|info|repair"
    r"|advice)[ -]?lines?\b|\bour lines\b|\bring (?:round|through|in|ahead)\b",
    _FLAGS,
)
_FORM: Final = re.compile(
    r"\b(?:\w+-?)?(?:formular|portal|ticket|filiale|chatbot|chat-?bot)(?:s|en|n|e|n?seite)?\b|\b(?:kontaktseite"
    r"|chat-assistent\w*|bot|service-?app|(?:fach|vertrags|elektro|möbel|bau)?(?:händler\w*|geschäft|laden|markt"
    r"|betrieb)|verkäufer\w*|verkaufsstelle|service-?point|servicestelle|kunden(?:center|zentrum|konto|bereich)"
    r"|service-?(?:center|bereich|seite|schalter)|bürgerbüro|geschäftsstelle|schalter|niederlassung|zweigstelle"
    r"|annahmestelle|hilfe-?(?:center|bereich|seite)|supportseite|website|webseite|homepage|theke|kasse|empfang"
    r"|store|shop|online unter|online-?antrag|app)\b"
    r"|\b(?:(?:web|contact|online|complaints?|claims?|enquiry|support|feedback|returns?|request|refund|booking"
    r"|application) ?-?forms?|form|(?:contact|support|help|returns?|claims?|refunds?|complaints?)(?: us)? ?pages?"
    r"|page|help (?:cent(?:er|re)|desk)|virtual assistant|assistant|chat|live chat|branch(?:es)?|dealers?|dealership"
    r"|retailers?|stockists?|resellers?|sellers?|customer area|support site|tracker|website|web site|point of sale"
    r"|your account|account area|counter|front desk|reception|tickets?|request|in[- ]store|high street|online)\b"
    r"|\bwo (?:sie|du|ihr)\b.{0,30}\bgekauft|\bwhere you (?:bought|got|purchased)\b"
    r"|\b(?:shops|stores|outlets?|märkte|märkten|geschäfte|läden|kiosk|box office|ticket office|post office"
    r"|service ?desk|info(?:rmation)? ?desk|help desk|infopoint|info-?stand|annahme|fundbüro|lost property office"
    r"|lost property|town hall|rathaus|bürgeramt|ausleihe|thekenpersonal|verkaufspersonal|vertragswerkstatt|autohaus"
    r"|reisebüro|apotheke|travel agent|pharmacy|point of purchase|collection point|abholstation|paketshop|terminal"
    r"|automat|fachhandel|einzelhandel|handel|info-?schalter|meldeknopf|button|assistent\w*"
    r"|virtuelle\w* assistent\w*|rathaus|filialteam|shop-?team|ladenteam|knowledge base|wissensdatenbank|faq"
    r"|community|retail partner|partner shop|self-?service|onlineservice|internetseite|\w+seite|serviceportal"
    r"|kundendienststelle|fachgeschäft|partnerbetrieb|mobility cent(?:er|re)|showroom|salon|garage|workshop|depot"
    r"|site|bot \w+|online-?service|antrag|wizard|assistenten|forum|ticketsystem|dashboard"
    r"|members? area|account page|mitgliederbereich|login-?bereich)\b",
    _FLAGS,
)
_FORM_VERB: Final = re.compile(
    r"\b(?:do (?:that|this|it)|liegt|quicker|finde[nt]?|findest|schneller)\b|"
    r"\b(?:reklamier\w*|melden|beanstande\w*|kauf\w*|hol\w*|log)\b|"
    r"\b(?:nutz\w*|füll\w*|verwend\w*|benutz\w*|wend\w*|geh|gehen sie|gehst|schau\w*|kommen sie|komm|kommst"
    r"|kontaktier\w*|melden? sie|meld|meldest|stell\w*|eröffn\w*|öffnen sie|erstell\w*|reich\w*|frag\w*|besuch\w*"
    r"|hinterleg\w*|such\w* sie|schreib\w*|trag\w*|gib|geben sie|läuft|laufen|nehm\w*|nimm|bring\w*|schick\w*"
    r"|probier\w*|klick\w*|sprich|sprechen|ausfüllen|erledigen|hilft|helfen|loggen|einloggen|wende|zuständig"
    r"|ansprechpartner\w*|anlaufstelle|richtig\w*|geht (?:leider |nur |das )*(?:nur|ausschließlich|über)|nur"
    r"|ausschließlich|lediglich|müss\w*|musst)\b"
    r"|\b(?:fill\w*|use|visit|submit|raise|log|head|hop|pop|go to|go through|nip|try|complete|contact|take (?:it"
    r"|this|that|the)|speak|talk to|return (?:it|this|that)|bring|create|file|report|send|see|check with|message"
    r"|swing|stop by|enquire|apply|click|ask|reach|handles?|deals? with|help you|can help|something for|one for"
    r"|a matter for|have a|the place to|chat with|open|place|start|can talk|look|nimm|einkippen|einwerfen|kippen"
    r"|finde[nt]?|findest|auskunft|ansprechperson|adresse für|have to|need to|must|only|best|has to|goes? through"
    r"|went? through)\b"
    r"|\b(?:abgeben|abzugeben|vorbeikommen|vorbeibringen|vorbei|einreichen|stellen|return|pop|call in|apply|lodge"
    r"|register|fill|hand (?:it|them) in|drop (?:it|them)|collect|enquire|request|bestellen|beantragen|abholen"
    r"|spring|hüpf\w*|jump|skip|berät|beraten|berate|advise|advises|beantwortet|weiß|knows?|kennt|steht|stehen"
    r"|back to|walk|hingehen|regeln|regelt|sort|klärt|klären|handled|macht das|does that|assists?"
    r"|kümmert|bearbeitet|handles|dealt|goes|go)\b",
    _FLAGS,
)
_FORM_IS_NONE: Final = re.compile(
    r"\b(?:haben|gibt es|betreiben) (?:\w+ ){0,3}kein\w*|\b(?:don't have|haven't got|there's no|there is no)\b|"
    r"\b(?:consent form|in form|in top form|form of|ihr ticket|dein ticket|your ticket|kinderticket"
    r"|ticket(?:s)? (?:ist|sind|gilt|kostet|costs?|is|are)|(?:our|unser|unsere) (?:shop|store|laden|filiale"
    r"|branch)\b.{0,20}\b(?:moved|is|hat|ist|war|in|öffnet|opens)|im laden (?:war|ist|gibt|haben|kostet)|ticket für"
    r"|direct message|dm\b|pn\b|hast du|haben sie schon|behind the counter|hinter der theke|at the counter|on page"
    r"|auf seite|this page|diese seite|checkout|page \d|title page|friend request)\b",
    _FLAGS,
)
_DIRECTS: Final = re.compile(
    r"\b(?:will do|quick call|do that|quicker|liegt auf|findest du|finden sie|dafür)\b|"
    r"\b(?:bringt|reklamier\w*|register|let's|by phone|am apparat|better off)\b|"
    r"\b(?:bitten|welcome to|am telefon|kann das|lässt sich|am infoschalter|genügt|bräuchten|wäre|bitte|müss\w*|muss"
    r"|musst|sollt\w*|könn(?:en|ten"
    r"|test|te) (?:sie|du|ihr|man)|können|kannst|könntest|magst|mögen sie|würden sie|würdest|darfst|nur"
    r"|ausschließlich|lediglich|schnellst\w*|am besten|am einfachsten|einfachst\w*|besser|lieber|einfach|mal|doch"
    r"|gerne?|hilft|ihnen geholfen|dir geholfen|helfen|weiterhelfen|zuständig|richtig\w*|anlaufstelle|für sie da"
    r"|für dich da|dort|wenden|wende|erreichen|erreichst|kontaktieren|direkt|entgegen|aufgehoben|ohne|statt hier"
    r"|unsere?r? (?:\w+)?(?:hotline|nummer|service\w*|telefon\w*)|greifst|ansprechpartner\w*|über unser\w*|über das"
    r"|über die|über den|läuft|laufen|geht|gehen|möglich)\b"
    r"|\b(?:please|pls|plz|kindly|just|simply|need to|needs to|have to|has to|must|should|want to|best|better"
    r"|quickest|fastest|easiest|quicker|easier|only|could you|can you|would you|would you mind|have you tried"
    r"|why not|feel free|ask you to|you to|you can|you could|you may|help|handles?|deals?|sort|instead|directly"
    r"|contact|one for|something for|a job for|can't do anything|get in touch|pick up|afraid|through our|taken|needs"
    r"|suggest|all (?:we|i) can|talk you through|walk you through|first|place to|have a|best|via our"
    r"|via the|through the|you'll want|you'd|reach|try|gotta)\b"
    r"|(?:^|[.!?,:;–] ?|\bund |\band |\bthen |\bdann |\bor |\boder |\bjust |\bbest )(?:trag|spring|setz|kontaktier"
    r"|lass|probier|schieb|wirf|pack|reich|log|pass|fling|bung|contact|try|swing|get|skip|dash|stell|schreib|schick"
    r"|ruf|meld|frag|geh|füll|mail|e-mail|nutz"
    r"|komm|wend|stell|eröffn|klingel|bimmel|hau|wähl|schau|nimm|bring|send|call|ring|phone|drop|use|hop|head|go"
    r"|pop|submit|raise|give|fill|open|ask|write|email|dial|take|log|fire|shoot|ping|bring|speak|visit|nip|bell"
    r"|tell|put|forward|pick|report|message|stick|chuck)\w{0,3}\b",
    _FLAGS,
)
_GONE: Final = re.compile(  # what was, or what they have of us already
    r"\b(?:kam|kamen|ging|gingen|wurde|wurden|war|waren|erhalten|bekommen|bekommst|erhältst|kriegst|gesendet"
    r"|geschickt|gemailt|angerufen|bestätigung\w*|spam\w*|absender|rückruf\w*|hatte|hatten|haben (?:wir|ich)|habe"
    r"|hab|lag|lag an)\b"
    r"|\b(?:(?<!wer )was|were|came|went|got|received|sent|(?<!be )emailed|(?<!be )(?<!be e-)mailed|called|rang"
    r"|phoned|spam"
    r"|junk|(?<!bought )(?<!bought it )(?<!got it )from|sender|answered|arrived|reached|i've|we've|confirmation"
    r"|yesterday|your (?:e-?mail|phone"
    r"|account) (?:is|was|has|address)|will (?:get|receive)|you'll (?:get|receive)|you should have)\b",
    _FLAGS,
)
_TO_ANSWER: Final = re.compile(
    r"\b(?:antwort\w*|reply|respond|answer)\b.{0,40}\b(?:auf diese|auf meine|to this|to my|this (?:e-?mail|mail))\b",
    _FLAGS,
)
_HOW_TO: Final = re.compile(r"\b(?:einstellungen|menü|settings|menu|under your account|speisekarte)\b", _FLAGS)


def elsewhere(reading: Reading) -> Iterator[tuple[Elsewhere, int, int]]:
    """Yield where the draft tells the customer to go elsewhere with what they want."""
    customer_asked = ASKED.search(reading.plain) is not None
    if customer_asked:
        return
    is_grave = _EMERGENCY.search(reading.plain) is not None
    for sentence in reading.sentences:
        if not (_NO_NEED.search(sentence.words) or _TO_ANSWER.search(sentence.words)):
            yield from _of(sentence, is_grave=is_grave)


def _of(sentence: Sentence, *, is_grave: bool) -> Iterator[tuple[Elsewhere, int, int]]:
    """Yield what a sentence says of it; the same said twice, as by a word and a number, is one."""
    last: tuple[Elsewhere, int, int] | None = None
    for clause in _whole(sentence):
        if last is not None and clause.start < last[2]:
            continue
        for kind, found in _pushes(sentence, clause):
            if is_grave and kind == "send_elsewhere_phone":
                continue
            start, end = _cut(sentence, clause, found, with_contact=kind != "send_elsewhere_form")
            if last is not None and last[0] == kind:
                start = last[1]
            elif last is not None:
                yield last
            last = (kind, start, end)
    if last is not None:
        yield last


def _pushes(sentence: Sentence, clause: Part) -> Iterator[tuple[Elsewhere, re.Match[str]]]:
    """Yield where a clause sends the customer, and the words that say so."""
    words = clause.words
    if _OURS.search(words):
        return
    if sentence.is_question and not _ASKS_TO.search(sentence.words):
        return
    is_gone = _GONE.search(words) is not None
    directs = _DIRECTS.search(words) is not None
    address = ADDRESS.search(words)
    number = None if address is not None else PHONE.search(words)
    mail, phone = _MAIL.search(words), _PHONE.search(words)
    if address is not None and not _THEIR_ADDRESS.search(words):
        yield "send_elsewhere_mail", address
    elif address is None and mail is not None and directs and not is_gone:
        yield "send_elsewhere_mail", mail
    elif number is not None and not (_CALLED.search(words) or _is_theirs(words) or _NUMBERED.search(words)):
        yield "send_elsewhere_phone", number
    elif number is None and phone is not None and directs and not is_gone and not _NO_CALL.search(words):
        yield "send_elsewhere_phone", phone
    elif (
        (form := _FORM.search(words) or _URL.search(words)) is not None
        and ((directs and _FORM_VERB.search(words)) or _ALONE.search(words))
        and not (is_gone or _FORM_IS_NONE.search(words) or _HOW_TO.search(words))
    ):
        yield "send_elsewhere_form", form


_THEIR_ADDRESS: Final = re.compile(
    r"\b(?:ging|gingen|kam|kamen|geschickt|gesendet|versandt|verschickt|geantwortet|gemailt|geschrieben|hinterlegt"
    r"|registriert|gespeichert|eingetragen|absender|spam\w*|went|sent|emailed|mailed|replied|written|have on file"
    r"|registered|sender|came from|comes from|signed up|junk|from)\b|\b(?:ihre|deine|your) (?:e-?mail|mail|address"
    r"|konto|account|login)\S*",
    _FLAGS,
)
_CALLED: Final = re.compile(
    r"\b(?:angerufen|versucht|erreicht|telefoniert|niemand ran|ging niemand|rang|tried|called you|phoned you|texted"
    r"|left (?:you )?a|voicemail|mailbox gesprochen|hinterlegt|gespeichert|on file|geändert|changed|gelöscht|removed"
    r"|verwählt)\b",
    _FLAGS,
)
_NUMBERED: Final = re.compile(
    r"\b(?:bestell|auftrags?|kunden|vertrags?|rechnungs?|buchungs?|sendungs?|tracking|order|account|customer|booking"
    r"|invoice|policy|ref|iban|konto|serien|artikel|zähler|steuer|mitglieds?|karten|card|meter)\S{0,3}[ -]?(?:nummer"
    r"|nr|number|no|ref|id|code)\b|\b(?:iban|konto|ref)\b",
    _FLAGS,
)
_ALONE: Final = re.compile(
    r"\b(?:gibt es|gibt's|haben wir|there's|there is|we have|we've got) (?:\w+ ){0,3}(?:formular|portal|form|page"
    r"|chatbot|bot|desk|ticket)|\b(?:geht|gehen|läuft|laufen|möglich|nur|bitte|only|goes?|handled|dealt|raised"
    r"|reported|done|made|managed|taken care of|available)\b.{0,40}\b(?:im|über|via|through|in the|at the|using"
    r"|in)\b.{0,30}(?:portal|formular|app|filiale|form|portal|page|shop|store|branch|chatbot|bot|dealer|händler\w*"
    r"|schalter|account|kundenkonto|online)\b"
    r"|\b(?:assistent\w*|fachhandel|handel|schalter|showroom|assistant|desk|info\w*)\b.{0,60}\b(?:beantwortet|hilft"
    r"|ansprechpartner\w*|bekommen|bekommst|zuständig|place|can|helps|answers|knows)\b"
    r"|\b(?:bot|chatbot|portal|formular|form|händler\w*|dealer|retailer|seller|verkäufer\w*|shop|store|laden|branch"
    r"|filiale)\b.{0,60}\b(?:nimmt|nehmen|hilft|helfen|kann|können|handles?|takes?|can|will|is the|ist der|ist die"
    r"|zuständig|sorts?|deals?|weiter\w*|that sold|you bought|you got|gekauft|walk you|erledigt|beantwortet"
    r"|responsible|advises?|knows?|berät|beraten|weiß|kennt|regelt|sort|does)\b"
    r"|\b(?:beantwortet|regelt|erledigt|klärt|macht|weiß|berät|kennt|hilft)\b.{0,40}\b(?:chat-?bot|bot|portal"
    r"|filiale|händler|formular"
    r"|app|geschäft|laden)\b|\b(?:fill|füll\w*|trag\w*|stell\w*|reich\w*|meld\w*|submit|enter|report|log|apply|lodge"
    r"|nutz\w*|use|go to"
    r"|beantrag\w*|head)\b.{0,60}(?<![@\w.-])(?:https?://)?(?:[\w-]{1,60}\.){1,4}[a-z]{2,10}/[\w-]",
    _FLAGS,
)
_URL: Final = re.compile(
    r"(?<![@\w.-])(?:https?://)?(?:[\w-]{1,60}\.){1,4}[a-z]{2,10}(?:/[\w/-]{1,80}(?<![-/]))?(?![\w@])", _FLAGS
)
_ASKS_TO: Final = re.compile(
    r"\b(?:magst|mögen|könntest|könnten|kannst|können|würdest|würden|could|can|would|why not|fancy|mind|warum nicht"
    r"|wie wär\w*|have you tried|haben sie schon)\b",
    _FLAGS,
)
_NO_CALL: Final = re.compile(
    r"\bam telefon (?:klangen|klangst|waren|warst|hatten|sagten|sagtest)\b|"
    r"\b(?:your call|call it|recall|call-?back|rückruf|callback|on call|ringtone|roll call|wake-?up call|last call"
    r"|phone case|new phone|your phone|dein telefon|ihr telefon|the phone (?:is|has|case))\b",
    _FLAGS,
)
_LINE: Final = re.compile(
    r"\b(?:nummer|number|kundenservice|kundendienst|service|customer services?|reservierung\w*|büro|office|zentrale"
    r"|option|menüpunkt|team|unter|on|line)\b",
    _FLAGS,
)


_LEADS: Final = re.compile(
    r"(?:wer|wenn (?:sie|du|man|ihr)|falls|anyone (?:with|who)|if you|(?:für|for|bei|regarding) (?:\w+ ?){1,5}$)",
    _FLAGS,
)


def _is_theirs(words: str) -> bool:
    return (
        re.search(
            r"\b(?:ihre?r? (?:\w+ )?nummer|deine?r? (?:\w+ )?nummer|your (?:\w+ )?(?:number|mobile|phone)|(?:haben"
            r"|habe|erreich\w*|versucht\w*|rufe) (?:\w+ ){0,3}sie unter|^sie unter"
            r"|dich unter|you on|you at|private?|own|privat)\b",
            words,
            _FLAGS,
        )
        is not None
    )


def _whole(sentence: Sentence) -> Iterator[Part]:
    """Yield the clauses, with numbers and small pieces joined to what they stand behind."""
    joined: Part | None = None
    for clause in sentence.clauses:
        if joined is None:
            joined = clause
            continue
        gap = sentence.words[joined.end - sentence.start : clause.start - sentence.start]
        if _hangs_on(clause.words, gap, joined.words) or _LEADS.match(joined.words) or "(" in gap:
            joined = sentence.part(joined.start - sentence.start, clause.end - sentence.start)
        else:
            if not GREETING.search(joined.words):
                yield joined
            joined = clause
    if joined is not None and not GREETING.search(joined.words):
        yield joined


def _hangs_on(words: str, gap: str, before: str) -> bool:
    if PHONE.match(words.strip("() ")):
        return True
    if ":" in gap:
        return ADDRESS.match(words) is not None or (_URL.match(words) is not None and _FORM.search(before) is None)
    if ADDRESS.fullmatch(words.strip("() ")) or _URL.fullmatch(words.strip("() ")):
        return True
    return (
        re.match(
            r"(?:option|our|unser\w*|wo|where|den|bei (?:dem|der)|in (?:dem|der)|der es|die es|das es|they\'ll know"
            r"|dort|there|die (?:sie|du)|der (?:die|das)|option \d|dass|damit|please$|bitte$)\b",
            words,
            _FLAGS,
        )
        is not None
        and len(words) < LONGEST_TAIL
    )


def _cut(sentence: Sentence, clause: Part, found: re.Match[str], *, with_contact: bool) -> tuple[int, int]:
    """Return the clause up to where it goes on to something else; `with_contact` keeps an address behind an "and"."""
    words = clause.words
    end = len(words)
    for cut in re.finditer(r"\s+(?:and|und|or|oder|but|aber|so|damit|then|dann)\s+", words, _FLAGS):
        if cut.start() >= found.end() - 1 and not re.match(
            r"(?:an|the|a|der|die|das|\d)\b", words[cut.end() :], _FLAGS
        ):
            if with_contact and ADDRESS.search(words, cut.end()) and not ADDRESS.search(words[: cut.start()]):
                continue
            end = cut.start()
            break
    opened = re.match(r"(?:(?:okay|ok|hi|hey|so|well|oh|sorry|danke|thanks)[,!]? )+", words, _FLAGS)
    start = opened.end() if opened is not None else 0
    at, stop = clause.start + start, clause.start + end
    if "(" in sentence.words[at - sentence.start : stop - sentence.start] and sentence.words[
        stop - sentence.start :
    ].startswith(")"):
        stop += 1
    tail = sentence.words[stop - sentence.start :]
    if at == sentence.start and re.fullmatch(r"[.!? )]*", tail):
        is_link = _URL.search(words[-LONGEST_TAIL:]) is not None and ADDRESS.search(words) is None
        stop = sentence.end if tail.strip() and not tail.strip().startswith(")") and not is_link else stop
    return at, stop


_GAVE: Final = re.compile(
    r"\b(?:herangetragen|vorgetragen|angesprochen|weiterkommuniziert|hinterbracht)\b|"
    r"\b(?:wird|werden) (?:nun|jetzt|gerade|derzeit|intern|aktuell|momentan) (?:\w+ ){0,2}(?:geprüft|untersucht"
    r"|besprochen|bearbeitet|diskutiert|analysiert)\b|\b(?:den|der|dem|unserer|unserem) (?:\w+leitung|leitung"
    r"|technik|zentrale|redaktion|verwaltung|geschäftsführung) (?:ge\w+|weiter\w+|mitgeteilt|übergeben|vorgelegt)\b"
    r"|\battention of (?:the|our)\b|\b(?:sits|rests|lies) with (?:the|our)\b|\bstelle (?:ge\w+|weiter\w+)\b|"
    r"\b(?:(?:habe?n?|hab|hat|wurden?|wird|werden|ist|sind) (?:\S+ ){0,9}?(?:intern |direkt |entsprechend |gern "
    r"|gerne |so )?(?:weiter(?:geleitet|gegeben|gereicht|gemeldet|getragen|vermittelt)|durchgereicht|durchgegeben"
    r"|übermittelt|übergeben|zugeleitet|eskaliert|platziert|hinterlegt)"
    r"|(?:leiten?|leit|geben?|geb|reichen?|reich|tragen?) (?:\S+ ){0,8}?weiter|weiter(?:leiten|geben|gereicht"
    r"|geleitet|gegeben|gemeldet|zuleiten)|(?:geben?|geb) (?:\S+ ){0,4}an (?:\S+ ){1,4}(?:weiter|ab)"
    r"|(?:ist|sind|ging|gingen) (?:\S+ ){0,4}an (?:die|das|den|unser\w*|alle) (?:\S+ ){0,3}(?:gegangen|raus"
    r"|rausgegangen|weitergegangen|abteilung|team|kollegen|stelle)"
    r"|liegt (?:\S+ ){0,3}(?:dem|der|den|bei|unserer|unserem) (?:\S+ ){0,4}(?:vor|abteilung|team|kollegen|kolleg\w+"
    r"|fachabteilung|stelle|prüfung)|(?:kollegen|fachabteilung|abteilung|team|stelle"
    r"|technik) (?:\S+ ){0,4}(?:informiert|verständigt|in kenntnis gesetzt|benachrichtigt)"
    r"|(?:ist|sind|wurden?) (?:\S+ ){0,3}(?:informiert|verständigt|in kenntnis gesetzt)|in (?:der )?(?:bearbeitung"
    r"|prüfung)|(?:liegt|ist|sind|landet) (?:\S+ ){0,2}(?:beim|bei der|bei den|bei unserer|bei unserem"
    r"|bei meinen) \S*(?:team|abteilung|kollegen|kolleg\w+|technik\w*|entwickl\w+|buchhaltung|leitung|redaktion"
    r"|küche|stelle|management)|(?:kollegen|kollegin|team|abteilung|technik|stelle|leitung) (?:wissen|weiß|wurde"
    r"|wurden|ist|sind|haben|hat) (?:\S+ ){0,2}(?:bescheid|kenntnis|eingeschaltet|dran)|intern (?:angesprochen"
    r"|angemerkt|angestoßen|gemeldet|thematisiert|geklärt|zur sprache)|(?:nehmen|nehm|nimmt) (?:\S+ ){0,3}mit (?:ins"
    r"|in die|in unser|auf)|an (?:die|den|das|unser\w*|meine\w*) (?:\S+ ){1,3}(?:gegeben|gemeldet|geschickt|gesendet"
    r"|gerichtet|adressiert|kommuniziert|getragen)|zur kenntnis genommen|(?:mal |so )?nach oben (?:ge\w+|weiter\w*)"
    r"|intern (?:besprochen|aufgenommen|vermerkt|notiert|geteilt|adressiert)|(?:aufgenommen|notiert"
    r"|vermerkt) und (?:\S+ ){0,5}weiter\w+|(?:bei|an) (?:den|die) (?:zuständigen?"
    r"|richtigen?) (?:\S+ ){0,2}(?:gelandet|adressiert))\b"
    r"|\b(?:(?:forward|pass|escalat|relay|referr|rout|flagg|circulat|handed|rais|log|feed|fed|shar|notif|submitt"
    r"|send|sent|cascad|bump|funnel)\w*) (?:\S+ ){0,6}?(?:to|on|along|over|internally|back|with|up|by|for) (?:the "
    r"|our |a |your |to |my )*(?:\S+ ){0,3}?(?:team|department|colleagues?|folks|people|desk|office|manager\w*"
    r"|management|devs?|developers?|engineers?|specialists?|internally|side|dept\.?|queue|branch|unit|powers|guys"
    r"|relevant \w+|appropriate \w+|right \w+|responsible \w+|area|higher-ups|hq|head office|product|billing|finance"
    r"|logistics)\b"
    r"|\b(?:has|have|had|was|were|is|been|i've|we've|'ve|'s) (?:\S+ ){0,3}?(?:forwarded|passed (?:\S+ ){0,4}?(?:on"
    r"|along|over|up|to)|made (?:\S+ ){1,4}aware|let (?:the|our) (?:\S+ ){1,3}know|told (?:the"
    r"|our) (?:\S+ ){0,2}(?:team|department|store|shop|branch|kitchen|office|manager)|raised (?:\S+ ){0,3}with"
    r"|under review (?:with|by)|with (?:the|our) (?:\S+ ){0,2}(?:team|engineers?|department|devs|developers"
    r"|specialists?|colleagues|people|folks)|sent (?:\S+ ){0,3}(?:over|on|across) to|escalated|shared internally"
    r"|circulated|notified|flagged internally|relayed|referred|informed|logged (?:and|with)|noted internally"
    r"|handed over|raised (?:internally|with|it with)|fed (?:\S+ ){0,4}back|made aware|noted and|in the queue"
    r"|cascaded)\b"
    r"|\bpassed (?:on|along|up)\b|\b(?:sent|gone|went|given|put|taken|handed|shown|told"
    r"|reported) (?:\S+ ){0,3}?(?:to|through to|over to|with|past|before) (?:the|our|my"
    r"|your local)? ?(?:\w+ ){0,3}(?:team|department|colleagues?|workshop|warehouse|kitchen|office|depot|engineers?"
    r"|developers?|devs|management|accounts|billing|dispatch"
    r"|maintenance|people|crew|branch|store|editors?|lab|council|board)\b|\b(?:let|made) (?:the|our"
    r"|my) (?:\w+ ){1,3}(?:know|aware)\b|\b(?:team|department|developers?|devs|engineers?|colleagues?"
    r"|management|depot|warehouse|workshop|kitchen|office|people) (?:\w+ ){0,3}(?:is|are|has been|have been|was"
    r"|were) (?:now |already |fully )?(?:aware|informed|notified|in the loop|on it|looking|told|alerted"
    r"|investigating)\b"
    r"|\b(?:is|are|'s) (?:now |currently |being )+(?:reviewed|looked at|looked into|dealt with|processed"
    r"|investigated|examined|assessed|considered)\b|\bunder (?:review|investigation|consideration)\b"
    r"|\b(?:taken|take|taking) (?:\w+ )?on board\b|\b(?:feedback|point|comments?|input|suggestion"
    r"|idea) (?:\w+ )?(?:noted|received|logged|recorded|registered|taken|filed)\b|\bin the right hands\b|\bon (?:the"
    r"|our) (?:\w+'s? )?(?:radar|list|agenda|backlog)\b|\b(?:popped|pinged|shoved|slid|lobbed|put|given"
    r"|taken) (?:\S+ ){0,4}(?:over|through|across|on|up) to\b"
    r"|\b(?:gone|went|sent|passed|taken) (?:\w+ )?(?:up|along|down) the (?:chain|line|ladder)\b|\b(?:ist"
    r"|sind) (?:\w+ ){0,3}(?:bekannt|adressiert|platziert|angelegt|hinterlegt) und (?:\w+ )?(?:adressiert|platziert"
    r"|gemeldet|weiter\w+)\b"
    r"|\b(?:nach|ins) (?:hinten|backoffice) (?:ge\w+|weiter\w+)\b"
    r"|\b(?:feedback|rückmeldung|anregung\w*|hinweis\w*|idee\w*|kritik|wunsch|anliegen|das) (?:\w+ ){0,2}(?:nehmen"
    r"|nehm|nehme) (?:wir|ich) (?:\w+ )?(?:mit|auf|ernst)\b|\bist (?:\w+ ){0,2}angekommen\b"
    r"|\b(?:fachabteilung|abteilung|team|technik|kolleg\w+|entwicklung|entwickler\w*|leitung|redaktion|küche"
    r"|verwaltung|zentrale) (?:\w+ ){0,3}(?:im bilde|informiert|verständigt|dran|eingebunden|am thema)\b"
    r"|\bhabe?'?s (?:\w+ ){0,4}(?:an|bei|zu|in) (?:die|der|den|dem|das|unser\w*) .{0,40}(?:gegeben|gemeldet"
    r"|geschickt|gereicht|gesteckt|platziert|gelegt|durchgegeben)\b|^\s*(?:(?:sent|flagged|passed|shared|raised"
    r"|reported) (?:\S+ ){0,4}?(?:to|with|on"
    r"|over|along|internally)|forwarded|passed (?:it |this |that )?(?:on|along|over|to)|escalated|referred|relayed"
    r"|flagged (?:it |this )?(?:to|with|internally)|handed over|fed back)\b|\b(?:pass|forward|relay|feed"
    r"|escalate) (?:this|that|it|your \w+|all this|these) (?:on|along|back|up|to|over)\b",
    _FLAGS,
)
_GAVE_NONE: Final = re.compile(
    r"\b(?:nichts|nothing|ohne ihre|ohne deine|without your)\b|"
    r"\w*nummer|on the list|liste|"
    r"\b(?:nicht (?:weiter\w+|eskaliert|übergeben)|niemand\w*|nobody|no one|not (?:forwarded|passed|escalated|handed"
    r"|flagged)|domain|port|weiterleitung|redirect|url|browser|anruf weiter|anrufe|nachsende\w*"
    r"|mails? (?:automatisch )?weiter|301|302|postnachsend|rufumleitung|dns|ticket verlinkt|wasn't|weren't|isn't"
    r"|not (?:been )?(?:forwarded|passed)|nicht weiter|niemandem|hinterlegt sind|geld zurück|geburtsdatum|anschrift"
    r"|adresse|paket|sendung|päckchen|bezahlung|an die nachbar\w+|parcel|package|order|letter|refund|money"
    r"|neighbou?r|deposit)\b",
    _FLAGS,
)
_WHOM: Final = re.compile(
    r"\b(?i:herrn?|frau|mr|mrs|ms|dr|kollege[n]?|kollegin|colleague)\.? \w+|\b(?:an|to|bei|with|von|by) (?!die|der"
    r"|den|das|the|our|unser|alle|eine?|a\b|Montag|Dienstag|Mittwoch|Donnerstag|Freitag)[A-ZÄÖÜ][a-zäöüß]{2,}\b"
)


def forwarded(reading: Reading) -> Iterator[tuple[int, int]]:
    """Yield where the draft says that something was passed on."""
    for sentence in reading.sentences:
        if sentence.is_question:
            continue
        for clause in sentence.clauses:
            found = _GAVE.search(clause.words)
            if found is None or _GAVE_NONE.search(clause.words) or GREETING.search(clause.words):
                continue
            start, end = clause.start, clause.end
            opened = re.match(r"(?:und|and|but|aber|so|also|ok|okay|thanks|danke|hi|hey)\s+", clause.words, _FLAGS)
            start += opened.end() if opened is not None else 0
            for cut in re.finditer(
                r"\s+(?:und|and|but|aber)\s+(?=(?:die|they|someone|wir|we|ich|i|sie|er|he|she|you|you'll|melden"
                r"|bitten|will|werden|danken)\b)",
                clause.words,
                _FLAGS,
            ):
                if cut.start() >= found.end() - 1:
                    end = clause.start + cut.start()
                    break
            tail = sentence.words[end - sentence.start :]
            yield start, sentence.end if start == sentence.start and not any(c.isalnum() for c in tail) else end


def names_somebody(words: str) -> bool:
    """Tell whether it is said who has it now."""
    return _WHOM.search(words) is not None
