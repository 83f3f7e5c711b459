"""Words that commit us to something to come, with the time that is named.

A clause is a promise when it speaks of what we, a colleague or the house will do, or of what the customer will have of
us. It is none when it asks, depends on the customer, tells what others do, what was, or when something is open.
"""

import re
from collections.abc import Iterator
from typing import Final

from desk.lint import due
from desk.lint.due import Time
from desk.lint.reading import Part, Reading, Sentence

_FLAGS: Final = re.IGNORECASE
SLACK: Final = 3
SHORTEST_FIRST: Final = 12
SHORTEST_SECOND: Final = 8
"""Characters of two clauses that an "and" joins."""

# Who ----------------------------------------------------------------------------------------------------------------
_WE: Final = re.compile(r"\b(?:ich|wir|i|we|i'm|we're|i'll|we'll|uns|mir)\b", _FLAGS)
_SUBJECT_DE: Final = r"(?:ich|wir)"
_WE_DO: Final = re.compile(
    r"\b(?:ich|wir|i|we|i'm|we're|i'll|we'll|i'd|we'd)\b|^\W*(?:bin|sind|melde|schicke?|schau\w*|komme?|mache?|hole?"
    r"|klären?|prüfe)\b",
    _FLAGS,
)
# What makes a promise, without a time --------------------------------------------------------------------------------
_DO: Final = (  # first person, present, of what is still to be done
    r"(?:melde|melden|kümmer[en]?|kümmern|kläre|klären|klär|prüfe|prüfen|prüf|checke|checken|check|schaue|schauen"
    r"|schau|gucke|gucken|guck|sehe|sehen|seh|frage|fragen|frag|hake|haken|hak|rufe|rufen|ruf|schicke|schicken"
    r"|schick"
    r"|sende|senden|überweise|überweisen|erstatte|erstatten|schreibe|schreiben|schreib|informiere|informieren|halte"
    r"|halten|halt|antworte|antworten|liefere|liefern|tausche|tauschen|repariere|reparieren|behebe|beheben|ersetze"
    r"|ersetzen"
    r"|veröffentliche|veröffentlichen|poste|posten|stelle|stellen|stell|bringe|bringen|bring|hole|holen|hol|lege"
    r"|legen|leg|bestelle|bestellen|buche|buchen|storniere|stornieren|korrigiere|korrigieren|ändere|ändern|setze"
    r"|setzen|setz"
    r"|richte|richten|erinnere|erinnern|reiche|reichen|trage|tragen|trag|veranlasse|veranlassen|bearbeite|bearbeiten"
    r"|spreche|sprechen|sprech|rede|reden|nehme|nehmen|nehm|gebe|geben|geb|sage|sagen|sag|mache|machen|mach|komme"
    r"|kommen|komm"
    r"|besorge|besorgen|suche|suchen|such|gehe|gehen|geh|teste|testen|untersuche|untersuchen|kontaktiere"
    r"|kontaktieren|benachrichtige|benachrichtigen|lösche|löschen|schalte|schalten|vereinbare|vereinbaren|verschicke"
    r"|verschicken|versende|versenden|spiele|spielen|lasse|lassen|lass)"
)
_SHARE: Final = re.compile(  # German, without any time: what is as good as said
    r"\bgeht (?:heute |morgen |noch |gleich |dann ){1,3}(?:in die|zur|auf die) (?:post|reise)\b|"
    r"\bgeht (?:\w+ ){0,3}(?:in die|zur|auf die) (?:post|reise)\b|\bist (?:alles |das )?(?:wieder )?(?:beim alten"
    r"|erledigt|behoben|da|online|erreichbar|repariert|fertig) \b|\bwieder beim alten\b|"
    r"\b(?:ich|wir) (?:werde|werden)\b"
    r"|\b(?:werde|werden) (?:ich|wir)\b"
    r"|\b(?:melden?|meld)\b.{0,60}\b(?:mich|uns|sich)\b|\b(?:mich|uns)\b.{0,60}\bmelden?\b(?! sie| können)"
    r"|\b(?:geben?|geb|sagen?|sag)\b.{0,70}\bbescheid\b|\bbescheid (?:geben?|sagen?)\b"
    r"|\b(?:halten?|halt)\b.{0,50}\bauf dem laufenden\b"
    r"|\b(?:hören|hörst|hört|erhalten|erhältst|bekommen|bekommst|kriegst|kriegen|lesen|liest) (?:\w+ ){0,3}(?:sie|du"
    r"|ihr|von uns|von mir|nachricht|antwort|rückmeldung)\b"
    r"|\b(?:sie|du|ihr) (?:hören|hörst|erhalten|erhältst|bekommen|bekommst|kriegst|kriegen)\b.{0,60}\b(?:von uns"
    r"|von mir|nachricht|antwort|rückmeldung|ersatz|gutschrift|geld|bescheid|gutschein|link|paket|lieferung)"
    r"|\b(?:rückmeldung|antwort|update|nachricht|ersatz|info|infos|mehr|bericht) (?:folgt|folgen|kommt)\b"
    r"|\bwird (?:sich )?(?:\w+ ){0,6}(?:melden|kümmern|prüfen|zurückrufen|anrufen|antworten|kontaktieren)\b"
    r"|\bwird (?:\w+ ){0,5}(?:erstattet|überwiesen|gutgeschrieben|zugeschickt|zugesandt|verschickt|versendet"
    r"|repariert|behoben|ausgetauscht|ersetzt|nachgeliefert|nachgereicht|freigeschaltet|geprüft|geklärt)\b"
    r"|\bwerden (?:wir |ihnen |dir |\w+ ){0,5}(?:erstatten|überweisen|zusenden|zuschicken|informieren|prüfen|klären"
    r"|melden|kontaktieren|beheben)\b"
    r"|\b(?:ruft|meldet|kontaktiert|schreibt|informiert|antwortet) (?:sich )?(?:\w+ ){0,4}(?:zurück|sie|dich|ihnen"
    r"|dir|bei)\b|\b(?:er|sie|die|jemand|kolleg\w+|team) (?:\w+ ){0,3}(?:melden sich|wirft|bringt|schickt|legt"
    r"|kümmert sich|holt|kommt vorbei|nimmt)\b"
    r"|\b(?:setzen?|setz)\b.{0,30}\b(?:in verbindung|mit ihnen|mit dir)\b|\b(?:gehe?|gehen) (?:\w+ ){0,3}(?:nach"
    r"|auf den grund)$|\b(?:auf den grund|mache? mich schlau|machen uns schlau|erkundige mich|erkundigen uns"
    r"|hör\w* (?:mal |mich )?(?:nach|um)|finden (?:\w+ )?eine lösung|(?:kriegen|bekommen|regeln|richten"
    r"|machen) wir (?:\w+ )?(?:hin|gut|wieder|das|schon)|das (?:regle|regeln|kriegen|bekommen|erledige|erledigen"
    r"|mache|übernehme) (?:ich|wir)|(?:ich|wir) (?:erledigen?|übernehmen?|regeln?|regle))\b"
    r"|\b(?:kommen|komme|komm) (?:\w+ ){0,4}auf (?:sie|dich|euch) zu\b|\blassen sie mich\b(?! wissen)"
    r"|\blass mich\b(?! wissen)"
    r"|\b(?:legen?|leg|packen?|pack|fügen?) (?:ich|wir )?(?:ihnen|dir|euch) .{1,50}\b(?:bei|drauf|dazu|rein|hinzu)$"
    r"|\b(?:legen?|packen?|fügen?) (?:ich|wir) .{1,50}\b(?:bei|drauf|dazu|hinzu)$"
    r"|\b(?:bekommen|bekommst|kriegst|kriegen|erhalten|erhältst) (?:sie |du )?.{1,60}\b(?:ersetzt|erstattet|zurück"
    r"|gutgeschrieben|geschenkt|umsonst|nachgeliefert|neu|repariert)$"
    r"|\b(?:wissen sie|weißt du) (?:es|das|mehr) auch\b|\b(?:geht|gehen) auf (?:uns|mich|unsere kosten"
    r"|unsere kappe)$|\b(?:übernehmen|tragen) wir (?:die|das|ihre|deine)\b|\bwir (?:übernehmen|tragen) (?:die|das"
    r"|ihre|deine)\b"
    r"|\b(?:mehr|näheres|weiteres|details|infos?|antwort|neues) (?:folgt|folgen|kommt|gibt es)\b|\b(?:gebe?"
    r"|geben) (?:ich |wir )?laut\b|\bbringen? (?:ich|wir) .{0,30}in ordnung|\b(?:ich|wir) bringen? .{0,30}in ordnung"
    r"|\bkommt (?:in|ins|auf|mit) (?:das |die |den |dem |der )?(?:nächste|kommende)\w*\b|\b(?:die|sie|kolleg\w+"
    r"|jemand) (?:meldet|melden|melde) sich\b"
    r"|\b(?:gehen|gehe|geh) (?:\w+ ){0,4}nach$|\b(?:nehme|nehmen|nehm) (?:ich|wir) (?:mir|uns)\b"
    r"|\bda bleib\w* (?:ich|wir) dran\b|\b(?:ich|wir) bleiben? (?:\w+ )?dran\b"
    r"|\b(?:geben sie|gib|gebt) (?:uns|mir) (?:\w+ )?(?:bis|noch|eine|ein paar|einen)\b",
    _FLAGS,
)
_I_DO_DE: Final = re.compile(rf"\b(?:(?:ich|wir) {_DO}|{_DO} (?:ich|wir))\b", _FLAGS)
_STRONG_DO_DE: Final = re.compile(
    r"\b(?:(?:ich|wir) (?:{0})|(?:{0}) (?:ich|wir))\b".replace(
        "{0}",
        r"melden?|kümmer[en]?|kümmern|klären?|klär|prüfen?|prüf|checken?|schauen?|schau|gucken?|guck|fragen?|frag"
        r"|haken?|hak|rufen?|ruf|schicken?|schick|senden?|überweisen?|erstatten?|informieren?"
        r"|tauschen?|reparieren?|beheben?|ersetzen?|reichen?|veranlassen?|bearbeiten?|besorgen?|untersuchen?"
        r"|kontaktieren?|benachrichtigen?|erinnern?|liefern?|liefere|bringen?|bring|verschicken?|versenden?|posten?"
        r"|antworten?",
    ),
    _FLAGS,
)
_PARTICLE: Final = re.compile(
    r"\b(?:nach|an|zurück|durch|raus|zu|rüber|ein|hin|her|rein|aus|um|ab|frei|gut|bescheid)$", _FLAGS
)
_WILL: Final = re.compile(
    r"\b(?:going|goes|off) (?:out )?(?:in|into|to) the (?:post|mail|printer)\b|\bon the list for\b|^back in \w+|"
    r"\b(?:you can|you may|you should|you'll) expect\b|\b(?:give|bear with|allow) (?:us|me) (?:half|about|around)\b|"
    r"\b(?:i|we)(?:'ll| will| shall|'m going to| am going to|'re going to| are going to"
    r"|'d be getting)\b(?! (?:see what|take it from|be honest|admit|take that|have to (?:disagree|say|ask)"
    r"|say (?:this|that)|never|not"
    r"|be blunt|be frank|need (?:your|you|a|the|to)|pass on|level|grant|give you that))"
    r"|\b(?:you'll|you will|you shall|you should) (?:\w+ ){0,1}(?:hear|get|receive|have (?:an answer|a reply|it|your"
    r"|the|news)|be (?:refunded|contacted|notified|credited|sent|called))\b"
    r"|\b(?:will|'ll) (?:\w+ )?(?:be in touch|get back|get in touch|come back to|reply|respond|call you|ring you"
    r"|phone you|contact you|write (?:back|to you)|follow up|pick (?:this|it) up|look into|let you know|text you"
    r"|message you|email you)\b"
    r"|\b(?:will|'ll) (?:\w+ )?be (?:\w+ )?(?:fixed|refunded|sent|shipped|replaced|credited|updated|restored"
    r"|repaired|posted|delivered|resolved|corrected|patched|dispatched|returned|processed|removed|with you"
    r"|on its way)\b"
    r"|\b(?:let me|i'd like to) (?:check|find out|chase|look into|dig|ask|speak|have a word|sort|get this sorted)\b"
    r"|\bleave (?:it|this|that) with (?:me|us)\b|\bwatch this space\b"
    r"|\b(?:i'm on it|we're on it|on the case|will do|will (?:personally|gladly)|more soon|back (?:shortly|soon"
    r"|to you)|bear with (?:me|us) while|let me see what|consider it done|see to it|make (?:this|it) right"
    r"|will (?:report|revert|update|confirm|send|post|fix|refund|replace|check|chase|ask|share|be back|see|sort"
    r"|arrange|make sure|ensure|drop|bring|deliver|email|dm|return))\b"
    r"|\b(?:i|we) (?:promise to|intend to|aim to|plan to|hope to have)\b|\b(?:update|reply|answer|more|details|news"
    r"|replacement|refund) (?:to follow|will follow|following|is coming|coming)\b"
    r"|\bexpect (?:an?|our|your|the|it|to hear)\b"
    r"|\b(?:give|bear with|allow) (?:us|me) (?:until|till|half an|a (?:day|moment|minute|few|couple)|an hour|\d)"
    r"|\b(?:more|news|details|update) (?:news )?(?:once|when|as soon as|after|to come|shortly)\b|\b(?:put|set"
    r"|make) (?:it|this|that|things) right\b|^(?:checking|looking into|chasing|on it)\b"
    r"|\b(?:will (?:sort|do so|look|fix|try|come|have|make)|hold tight)\b",
    _FLAGS,
)
_KEEP_DE: Final = re.compile(r"\b(?:und|dann|danach|anschließend)\b", _FLAGS)

# What makes a promise when a time to come is named -------------------------------------------------------------------
_THINGS: Final = (
    r"(?:update|rückmeldung|antwort|info\w*|neuigkeit\w*|ersatz\w*|rückruf|(?:nach)?lieferung|techniker\w*"
    r"|monteur\w*|fahrer\w*|handwerker\w*|bote|gutschrift|geld|erstattung|rückzahlung|versand|paket|päckchen|sendung"
    r"|brief|karte|gerät|link|code|fix|patch|hotfix|korrektur|ersatzteil\w*|teil|rechnung|entscheidung|ergebnis\w*"
    r"|nachricht|charge|ware|neue[rsn]?|liste|plan|bericht|konto|anlage|zugang|leitung|strom|wasser|heizung|server"
    r"|dienst|system|termin|gutschein|betrag"
    r"|updates?|reply|answer|news|more|refunds?|replacements?|credit(?: note)?|cheque|check|money|delivery|parcel"
    r"|package|letter|card|unit|device|engineers?|technicians?|plumber|fitters?|drivers?|crew|call-?back|part|parts"
    r"|spare|decision|result|results|new one|new ones|new \w+|deposit|voucher|code|key|keys|payment|list|report"
    r"|service|account|line|power|water|lights?|pool|lift|correction|restock|invoice)"
)
_COMING: Final = re.compile(
    rf"\b{_THINGS}\b.{{0,60}}\b(?:goes out|kommt|kommen|geht|gehen|gehst|liegt|liegen|folgt|folgen"
    rf"|steht (?:\w+ )?(?:bereit|hier|online)|trifft|treffen|eintreffen|landet|erscheint|ist|sind|da|raus|fertig"
    rf"|wieder|bereit|bei (?:ihnen|dir)|vor ort|live|online|goes|go|is|are|'s|lands?|arrives?|comes?|ships?|follows?"
    rf"|out|back|due|to follow|with you|ready)\b"
    rf"|\b(?:kommt|kommen|geht|gehen|liegt|liegen|folgt|folgen|trifft|treffen|ist|sind|gibt's|gibt es|is|are"
    rf"|here's)\b.{{0,60}}\b{_THINGS}\b"
    r"|\b(?:sie|du|ihr|dein\w*|ihre?)\b.{0,12}\b(?:erhalten|erhältst|bekommen|bekommst|kriegst|kriegen|haben|hast"
    r"|hören|hörst|lesen)\b|\b(?:erhalten|erhältst|bekommen|bekommst|kriegst|kriegen|haben|hast|hören|hörst) (?:sie"
    r"|du|ihr)\b"
    r"|\bwird (?:\w+[ ,]+){0,9}?(?:\w*ge\w+(?:t|en)|\w+iert|(?:ver|be|er|ent|zer|über)\w+(?:t|en)|da sein|sein"
    r"|fertig|sich)\b|\bwird (?:\w+ ){0,4}(?:nachgeholt|nachgereicht|nachgeliefert)|\w+t wird\b"
    r"|\bwerden (?:\w+ ){0,9}?(?:ge\w+(?:t|en)|\w+iert|(?:ver|be|er|ent|über)\w+(?:t|en))\b|^\W*(?:wird|werden)\b"
    r"|\b(?:wieder|neu|frei) (?:\w+ ){0,2}(?:da|online|erreichbar|geöffnet|freigeschaltet|in betrieb|auf|verfügbar"
    r"|lieferbar|am start|im shop|im regal)\b"
    r"|\b(?:moves?|re-?opens?|returns?|switches|goes? (?:live|out|up|into)|are back|is back|'s back|back (?:with you"
    r"|online|up|on|in stock)|being (?:\w+ed|sent|put|paid)|up and running)\b|\b(?:it|this|that|there)(?:'ll"
    r"| will)\b|\b(?:will|shall|'ll) (?:\w+ )?be (?:\w+ )?(?:\w+ed|sent|paid|put|with|in the|on the|there|here|back"
    r"|round|up|out|ready|done|live|online|at|you)\b|\bgoing to\b"
    r"|\b(?:i'm|we're|i am|we are|he's|she's|they're|[A-Z]\w+'s|[A-Z]\w+ is|team's|team is|crew is"
    r"|devs are) (?:\w+ )?\w+ing\b|^\W*(?:\w+ly )?(?!during|according|including|regarding|morning|evening|nothing"
    r"|everything|something|anything|opening|being|spring|parking|shipping|building|king|thing)[a-z]{3,}ing\b"
    rf"|^\W*(?:(?:das |ein |der |the |a |an )?(?:nächste[sr]?|next|neue[sr]?|new|full|more|your|ihre?"
    rf"|deine?)? ?{_THINGS})\b"
    r"|\bexpect\b|\bdue\b|\b(?:have|haben|hast) (?:it|your|den|die|das|ihr\w*|dein\w*)\b|\b(?:dann|danach"
    r"|anschließend) (?:\w+ ){0,2}(?:bauen|tauschen|liegt|geht|kommt)\b"
    r"|\b(?:booked|scheduled|pencilled|lined up|slated|planned|on (?:my|our|the) (?:list|agenda|rota|schedule)"
    r"|down for|in the diary)\b"
    r"|\b(?:eingeplant|geplant|vorgemerkt|terminiert|vorgesehen|angesetzt)\b"
    r"|\b(?:should|ought to) be (?:with you|there|ready|back|fixed|in|done|live|sorted|up)\b"
    r"|\bsollte (?:\w+ ){0,5}(?:da sein|ankommen|klappen|fertig|behoben|wieder)"
    r"|\b(?:techniker|monteur|handwerker|schlosser|elektriker|engineer|technician|plumber|fitter|locksmith"
    r"|electrician)\w*\b"
    r"|^\W*(?:mehr|näheres|genaueres|weiteres|meldung|neues)\b|\bmeldung (?:folgt|kommt)\b"
    r"|\b(?:watch|check|keep an eye on) your (?:inbox|dms?|letterbox|post|phone|messages)\b",
    _FLAGS,
)
_WILL_DO: Final = re.compile(
    r"\b(?:ich|wir|kolleg\w+|team|technik\w*|jemand) (?:\w+ ){0,2}(?:werde|werden|wird)\b|\b(?:werde|werden"
    r"|wird) (?:ich|wir|sich|ihnen|dir|dein\w*|ihr\w*|unser\w*|mein\w*)\b.{0,80}[a-zäöüß]en$"
    r"|\b(?:your|the|a|an|our|my|new|it|this|that|they|he|she|who|someone|team|[A-Z]\w+) (?:\w+ ){0,3}(?:will"
    r"|shall) (?!be able|only|not|never|ask|show|need|have to|want|open|close|last|turn|work|appear|see|prompt|tell"
    r"|find|automatically|always|light|start|stop|run|help|fit|cost|take|depend|look|feel|be (?:open|closed|charged"
    r"|asked|prompted|able|shown|greyed))\w+",
    _FLAGS,
)
_STAFF: Final = re.compile(
    r"\b(?:(?:mein|unser|die|der|das|eine?|our|the|a|my|an|one of our)(?:e|er|em|en"
    r"|es)? (?:\w+[ -]){0,2}?(?:kolleg\w+|team|technik\w*|entwickl\w+|abteilung|buchhaltung|chefin|chef|monteur\w*"
    r"|fahrer\w*|werkstatt|lager|versand|bote|kurier\w*|support|redaktion|küche|hausmeister\w*|leitung|schicht"
    r"|gärtner\w*|hotline|colleagues?|team|engineers?|technicians?|drivers?|fitters?|plumber|manager|developers?"
    r"|devs|crew|warehouse|kitchen|editor|supervisor|lads|folks|boss|workshop|electrician|cleaners?|courier|nurse"
    r"|doctor|vet|trainer|coach)"
    r"|jemand|someone|somebody|one of us|devs|entwickler|techniker|kollege|kollegin|monteur|hausmeister|herr|frau|mr"
    r"|mrs|ms|er|he|she)\b",
    _FLAGS,
)
_ACTS: Final = re.compile(
    r"\b(?:behebt|beheben|bringt|bringen|meldet|melden|ruft|rufen|schickt|schicken|prüft|prüfen|repariert|reparieren"
    r"|tauscht|tauschen|liefert|liefern|holt|holen|baut|bauen|spielt|spielen|startet|schaltet|schalten|verschickt"
    r"|antwortet|antworten|kümmert|kümmern|klärt|klären|schaut|schauen|guckt|erstattet|überweist|überweisen|legt"
    r"|legen|nimmt|nehmen|wirft|bearbeitet|kommt|kommen|geht|gehen|sieht|sagt|gibt|macht|machen|setzt|stellt|misst"
    r"|wechselt|räumt|öffnet|lädt|druckt|schreibt|fährt|will|'ll|is|are|'s|'re|comes?|calls?|rings?|brings?|checks?"
    r"|looks?|fixes|replies|sends?|takes?|does|drops?|delivers?|installs?|fits?|posts?|gets?|goes|going|has"
    r"|starts?)\b|'(?:s|ll|re)\b",
    _FLAGS,
)
_NAMED: Final = re.compile(
    r"(?:^|, |and |und )[A-ZÄÖÜ][a-zäöüß]{2,}(?:'s| (?:will|is|kommt|bringt|ruft|meldet|schickt|macht|holt|schaut"
    r"|prüft|kümmert|comes|brings|calls|rings|sends|has|tauscht|baut|liefert|fixes))\b"
)

# What it is not ------------------------------------------------------------------------------------------------------
_PAST_DE: Final = re.compile(
    r"\b(?:ist|sind) .{0,70}\b(?:ge\w+(?:t|en)|\w+ge\w{3,}(?:t|en)|bestätigt|erledigt)$|"
    r"\b(?:wurde|wurden|wurdest|war|waren|warst|hatte|hatten|gab|ging|kam|kamen|(?<!von )gestern|vorhin|seit|lag"
    r"|lagen|stand"
    r"|standen|haben wir|habe ich|hab ich|wir haben|ich hab|ich habe|(?:hat|haben|hast)\b.{0,80}\b(?:ge\w+(?:t|en)"
    r"|\w+(?:ge)\w+(?:t|en)|\w+iert|(?:ver|be|er|ent|über)\w+t)$|ist (?:\w+ ){0,4}(?:ge\w+(?:t|en)|raus|unterwegs)"
    r"|sind (?:\w+ ){0,4}ge\w+(?:t|en))\b",
    _FLAGS,
)
_PAST_EN: Final = re.compile(
    r"\b(?:was|were|wasn't|did|had|has|have (?:already|just|been|now)|yesterday|ago|since|went|sent|left"
    r"|last night(?!'s)|i've|we've"
    r"|earlier)\b|'ve\b",
    _FLAGS,
)
_CONDITION: Final = re.compile(
    r"^(?:wenn|falls|if) .{0,80}\b(?:nicht|kein\w*|not|isn't|hasn't|doesn't|haven't)\b|"
    r"\b(?:wenn|falls|sofern)\b.{0,40}\b(?:sie|du|ihr|dir|ihnen|man|es|ihre?|deine?)\b|\b(?:falls|sofern)\b"
    r"|\b(?:sollten sie|solltest du|sobald (?:sie|du|ihr|wir (?:ihre|deine|die)|ihre|deine|uns|mir)|nachdem sie"
    r"|vorausgesetzt)\b"
    r"|\b(?:if|in case|provided|unless|as long as|should you|once (?:you|we have|we've|we get|i have|i've|your)"
    r"|(?:as soon as|when) (?:you|we have your|we get your|i have your|your)|the moment you|whenever you)\b",
    _FLAGS,
)
_FOR_THEM: Final = re.compile(  # what the customer does, or is asked to do
    r"\b(?:bitte\b(?! um)|müssen sie|musst du|müsst ihr|sollten sie|solltest du|können sie|kannst du|könnt ihr"
    r"|du kannst|sie können|ihr könnt|dürfen sie|darfst du|brauchen sie|brauchst du|haben sie (?:\w+ ){0,4}zeit"
    r"|hast du (?:\w+ ){0,4}zeit|sie haben noch|du hast noch|du musst|sie müssen|sie sollten|du solltest|möchten sie"
    r"|möchtest du|wollen sie|willst du)\b"
    r"|^\s*(?:\w+ )?(?:schicken|senden|melden|rufen|schreiben|geben|probieren|versuchen|starten|warten|laden|prüfen"
    r"|kommen|nutzen|lassen|teilen|reichen|holen|bringen|achten|denken) sie\b"
    r"|\b(?:please|you can(?! expect)|you could|you need|you have (?:until|till|to)|you've got until|you must"
    r"|you should"
    r"|you may|you might|you'll need|you'll want|you'll have to|make sure|don't|do not|feel free|would you|could you"
    r"|can you|want me|want us|you'll find (?!an? (?:answer|reply)|our)|you'll see|be sure)\b",
    _FLAGS,
)
_IMPERATIVE_DE: Final = re.compile(
    r"^\s*(?:(?:dann|einfach|gern|gerne|also|und|am besten) )?(?:schick|sende?|meld|ruf|schreib|gib|probier|versuch"
    r"|starte?|warte?|lad|prüf|komm|nutz|lass|teil|reich|hol|bring|acht|denk|schau|guck|check|mach|nimm|sag|stell"
    r"|zieh|drück|frag|klick|geh)e?\b(?! ich| wir)",
    _FLAGS,
)
_IMPERATIVE_EN: Final = re.compile(
    r"^\s*(?:just |simply |then |so |and |kindly )?(?:send|dm|pop|drop|try|call|ring|give|tell|check|bring|come|keep"
    r"|hold|wait|visit|use|reply|restart|install|order|book|pay|post|ask|come|submit|email|contact|turn|unplug|reset"
    r"|see|look|take|have a|leave (?!it|this|that))\b",
    _FLAGS,
)
_OTHERS: Final = re.compile(
    r"\b(?:laut|zufolge|dhl|ups|hermes|dpd|gls|fedex|spedition|hersteller\w*|lieferant\w*|zulieferer|paketdienst"
    r"|zusteller|netzbetreiber|bahn|behörde|amt|bank|versicherung|die post|carrier\w*|supplier\w*"
    r"|manufacturer\w*|according to|estimates?|estimated|royal mail|the bank|landlord|council|reckons?|rechnet mit"
    r"|schätzt|geschätzt|angeblich|soll(?:en)?|supposed|supposedly)\b",
    _FLAGS,
)
_AS_IT_IS: Final = re.compile(  # when something is open, valid, on
    r"\b(?:geöffnet|offen|öffnen|öffnet|geschlossen|schließen|schließt|öffnungszeiten|gilt|gelten|gültig|kostet"
    r"|kosten|stattfindet|findet (?:\w+ ){0,4}statt|finden (?:\w+ ){0,4}statt|beginnt|beginnen|erreichbar|erhältlich"
    r"|verfügbar|fährt|fahren|abfahrt|verlängert|läuft|laufen|dauert|dauern|braucht|brauchen|endet|enden"
    r"|haben (?:\w+ ){0,4}(?:auf|zu|offen)|frühestens|montags|dienstags|mittwochs|donnerstags|freitags|samstags"
    r"|sonntags|täglich|immer|normalerweise|in der regel|üblicherweise|meist|stündlich|reicht|hält|haltbar|trocknet"
    r"|lädt|einnehmen|lang|alt)\b"
    r"|\b(?:open|opens|opening|closed|closes|hours are|valid|costs?|runs?|running|takes? place|takes|begins"
    r"|available|departs|lasts|ends?|every|daily|always|usually|normally|typically|on sale|deadline|mondays|tuesdays"
    r"|wednesdays|thursdays|fridays|saturdays|sundays|weekdays|expires?|no later|good for|fits|holds)\b",
    _FLAGS,
)
_NEVER: Final = re.compile(
    r"\b(?:kann|können|konnte|konnten|könnte|könnten|dürfte|darf|dürfen) (?:\w+ )?(?:\w+ ){0,4}(?:nicht|kein\w*"
    r"|leider)\b|\b(?:nicht|kein\w*) (?:versprechen|zusagen|sagen|garantieren)\b|\b(?:nicht mehr|kein\w* mehr)\b"
    r"|\b(?:can't|cannot|can not|won't|will not|shan't|couldn't|unable|no longer|never|no plans?|don't|doesn't|isn't"
    r"|aren't|not (?:yet|sure|be|going|able))\b",
    _FLAGS,
)
_MAYBE: Final = re.compile(
    r"\b(?:kann ich|können wir|ich kann|wir können|könnte|könnten|würde|würden|i can|we can|i could|we could|may"
    r"|might|would|happy to|gern|gerne|maybe|perhaps|vielleicht)\b",
    _FLAGS,
)
_NOW: Final = re.compile(
    r"\b(?:gerade|derzeit|aktuell|momentan|zurzeit|zur zeit|bereits|schon|im moment|currently|at the moment"
    r"|right now|immer|stets|grundsätzlich|in der regel|normalerweise|nie|jeden|täglich|jederzeit|gern|gerne|wollten"
    r"|möchten|selbst)\b",
    _FLAGS,
)
_SAID_BEFORE: Final = re.compile(
    r"\b(?:zugesagt|versprochen|angekündigt|wie vereinbart|as promised|promised|you said|told you|guessed|hieß es)\b",
    _FLAGS,
)
_OPENERS: Final = re.compile(
    r"^(?:(?:okay|ok|alles klar|klar|gut|gerne|gern|sure|right|well|oh|ah|hey|so|also|danke|thanks|sorry|und|and|but"
    r"|aber|yes|ja|nein|no|na|naja|tja|ups|oops|great|super|perfekt|moin|servus|cheers|hi|hello|hallo|ach|oje|ohje"
    r"|absolutely|done|top|fine|got it|verstanden|gotcha|good news|promise)(?: so)?[,!:.]? (?=\S))+",
    _FLAGS,
)
GREETING: Final = re.compile(
    r"^(?i:sehr geehrte\w*|liebe[rs]?|hallo|hi|hey|hello|dear|guten (?:tag|morgen|abend)|good (?:morning|afternoon"
    r"|evening|day)|moin(?: moin)?|servus|grüß (?:gott|dich)|grüezi|howdy|salü|hiya)\b.{0,60}$|^(?i:herrn?|frau|mr"
    r"|mrs|ms|dr)\b\.?(?: [A-ZÄÖÜ][\w'-]{1,30}){1,3}$|^[A-ZÄÖÜ][\w'-]{1,20}$"
)


_TAGGED: Final = re.compile(
    r", (?:ok|okay|ja|gut|oder|right|alright|yeah|deal|passt das|passt|einverstanden|fair enough)\?", _FLAGS
)


def promises(reading: Reading) -> Iterator[tuple[int, int, tuple[int, int] | None]]:
    """Yield the place of each promise, and of the time it names."""
    for sentence in reading.sentences:
        if (sentence.is_question and not _TAGGED.search(sentence.words)) or _SAID_BEFORE.search(sentence.words):
            continue
        yield from _of(sentence, reading)


def _of(sentence: Sentence, reading: Reading) -> Iterator[tuple[int, int, tuple[int, int] | None]]:
    clauses = _with_their_times(sentence, [piece for clause in sentence.clauses for piece in _coordinated(clause)])
    found: list[tuple[int, int, tuple[int, int] | None]] = []
    is_conditional = False
    for at, clause in enumerate(clauses):
        words = clause.words
        if _CONDITION.search(words) or (
            at and _asks(clauses[at - 1].words) and re.match(r"(?:dann|and|und|then|i'll|we'll)\b", words, _FLAGS)
        ):
            is_conditional = True
        if GREETING.search(words) or is_conditional or _is_asked_before(reading, sentence, words):
            continue
        following = clauses[at + 1].words if at + 1 < len(clauses) else ""
        times = due.times(words)
        if not _is_promise(words, times):
            continue
        if following and _CONDITION.search(following) and not _EVEN.match(following):
            continue
        start = clause.start + _opening(words)
        if at and _UNTIL_THEN.match(clauses[at - 1].words):
            start = clauses[at - 1].start
        end = clause.end
        said = (clause.start + times[0].start, clause.start + times[0].end) if times else None
        if found and _belongs(sentence, found[-1], start, said):
            before = found.pop()
            start, said = before[0], before[2] or said
        found.append((start, end, said))
    for start, end, said in found:
        yield start, _end(sentence, clauses, start, end), said


def _with_their_times(sentence: Sentence, clauses: list[Part]) -> list[Part]:
    """Join what is only a time, as in "No later than Monday, your money is back", to the clause beside it."""
    joined: list[Part] = []
    for clause in clauses:
        if joined and (_is_time(joined[-1].words) or _is_time(clause.words)) and not GREETING.search(joined[-1].words):
            joined.append(sentence.part(joined.pop().start - sentence.start, clause.end - sentence.start))
        else:
            joined.append(clause)
    return joined


def _is_time(words: str) -> bool:
    return sum(one.end - one.start for one in due.times(words)) >= len(words.strip()) - SLACK


def _opening(words: str) -> int:
    opened = _OPENERS.match(words)
    return opened.end() if opened is not None else 0


def _asks(words: str) -> bool:
    return bool(
        _FOR_THEM.search(words) or _IMPERATIVE_DE.search(words) or _IMPERATIVE_EN.search(words)
    ) and not _WE.match(words)


def _is_asked_before(reading: Reading, sentence: Sentence, words: str) -> bool:
    """Tell a clause that only follows when the customer does what the sentence before asks for."""
    if not re.match(r"\s*(?:dann|then|danach)\b", words, _FLAGS):
        return False
    at = reading.sentences.index(sentence)
    return at > 0 and _asks(reading.sentences[at - 1].words)


def _belongs(
    sentence: Sentence, before: tuple[int, int, tuple[int, int] | None], start: int, said: tuple[int, int] | None
) -> bool:
    """Tell whether a clause goes on with the promise before it: "I check, and then I tell you"."""
    between = sentence.words[before[1] - sentence.start : start - sentence.start]
    if before[0] > start - 3:
        return False
    return not said and re.fullmatch(r"[,;]?\s*(?:und|and|then|dann|sowie)?\s*", between, _FLAGS) is not None


def _end(sentence: Sentence, clauses: list[Part], start: int, end: int) -> int:
    """Return where the words of a promise end: with what hangs on them, and the full stop where it is the sentence."""
    for clause in clauses:
        if clause.start < end:
            continue
        gap = sentence.words[end - sentence.start : clause.start - sentence.start]
        if "," in gap and re.match(
            r"(?:was|who|which|word for|what|wie es|wo es|sobald|as soon as|once the|wenn (?:der|die|das)|the one"
            r"|that)\b",
            clause.words,
            _FLAGS,
        ):
            end = clause.end
            continue
        break
    tail = sentence.words[end - sentence.start :]
    if start == sentence.start and not any(letter.isalnum() for letter in tail):
        return sentence.end
    return end


_AND: Final = re.compile(
    r"\s+(?:und|and|but|aber|sowie)\s+(?=(?:ich|wir|i|we|i'll|we'll|you'll|he|she|they|someone|somebody|er|sie|die"
    r"|der|das|the|your|ihr|ihre|deine?|then|jemand|mein|unser|our|my|schick\w*|meld\w*|sag|geb\w*|ruf\w*)\b)",
    _FLAGS,
)


def _coordinated(clause: Part) -> Iterator[Part]:
    at = 0
    for cut in _AND.finditer(clause.words):
        if len(clause.words[at : cut.start()]) > SHORTEST_FIRST and len(clause.words) - cut.end() > SHORTEST_SECOND:
            yield Part(clause.start + at, clause.start + cut.start(), clause.words[at : cut.start()])
            at = cut.end()
    yield Part(clause.start + at, clause.end, clause.words[at:])


def _is_promise(words: str, times: list[Time]) -> bool:
    low = words.strip()
    if _is_none(low) or (_REGRETS.search(low) and not _WILL.search(low)) or _OPENS.search(low):
        return False
    is_said = _WILL.search(low) is not None or _SHARE.search(low) is not None
    is_time = any(not one.is_weak for one in times)
    if (
        is_time
        and _AS_IT_IS.search(low)
        and not (_AGAIN.search(low) or _SET.search(low) or is_said or _I_DO_DE.search(low))
    ):
        return False
    if _MAYBE.search(low) and not is_said and not (is_time and _I_DO_DE.search(low)):
        return False
    if is_time or _WILL_DO.search(low):
        return (
            is_said or _will_be(low) or _TO_COME.search(low) is not None or any(_UNTIL.match(one.said) for one in times)
        )
    is_now = _NOW.search(low.replace("schon heute", "")) is not None
    if times and not is_now and (_I_DO_DE.search(low) or _DOING.search(low)):
        return True
    return (is_said and not _AT_WORK.search(low)) or (_STRONG_DO_DE.search(low) is not None and not is_now)


def _is_none(low: str) -> bool:
    """Tell what is of the customer, of others, of the past, or of what will not be."""
    has_we = _WE.search(low) is not None
    return bool(
        (_FOR_THEM.search(low) and not _WE_OURSELVES.search(low))
        or (_asks(low) and not _WE.search(low[:24]))
        or (_OTHERS.search(low) and not has_we)
        or (_NEVER.search(low) and not _LETS_KNOW.search(low))
        or ((_PAST_DE.search(low) or _PAST_EN.search(low)) and not (_WILL.search(low) or _WERDEN.search(low)))
    )


def _will_be(low: str) -> bool:
    """Tell whether it is us, the house, or something of ours that a time to come is named for."""
    return bool(
        _WILL_DO.search(low)
        or _WE_DO.search(low)
        or _COMING.search(low)
        or (_STAFF.search(low) and _ACTS.search(low))
        or _NAMED.search(low)
    )


_EVEN: Final = re.compile(r"(?:even|auch|selbst)\b", _FLAGS)
_SET: Final = re.compile(r"\b(?:will|'ll|wird|werden)\b", _FLAGS)
_UNTIL: Final = re.compile(
    (
        r"(?:bis|by|spätestens|no later|binnen|innerhalb|within|inside|innert|in (?:\d|ein|zwei|drei|an |a |half"
        r"|the next|den nächsten|der nächsten))"
    ),
    _FLAGS,
)
_TO_COME: Final = re.compile(
    r"\b(?:fehlende\w*|unser\w*|our|missing|korrigierte\w*|corrected)\b|\b(?:raus|weg|ein|ab|bereit|online|hier|auf"
    r"|fertig|vor|dran|nach)$"
    r"|\b(?:öffnet|öffnen|steht|hängt|fliegt|verschwindet|startet|erscheint|klärt sich|entscheidet)\b|\bgoes (?:up"
    r"|out|live|in)\b|\b(?:disappears|appears|opens again|reopens)\b"
    r"|\b(?:you'll|you will) (?:find|see|have|get|hear|receive)\b",
    _FLAGS,
)
_UNTIL_THEN: Final = re.compile(r"(?:sobald|sowie|as soon as|once|when|after|nachdem|wenn (?:der|die|das))\b", _FLAGS)
_REGRETS: Final = re.compile(
    r"\b(?:sorry|apolog\w+|entschuldig\w+|tut (?:mir|uns|es) (?:\w+ )?leid|bedauern|thanks for|thank you for"
    r"|danke für|danke der"
    r"|rang|klingelte|geklingelt|enjoy|see you|viel spaß|bis dann|good luck|viel erfolg|schönen|schönes|have a"
    r"|we heard|freuen uns|look forward)\b",
    _FLAGS,
)
_OPENS: Final = re.compile(
    r"\b(?:grundsätzlich|generally|as a rule|samstags|sonntags|werktags)\b|"
    r"\b(?:appointment|booking|reservation|termin|buchung|reservierung) .{0,50}(?:is|are|ist|sind) (?:confirmed"
    r"|bestätigt)$|"
    r"\b(?:there's|there is|es gibt|gibt es|ist|are|is) (?:an? )?(?:\w+ )?(?:\w*markt|\w*fest|market|fair|festival"
    r"|party|concert|meeting|feiertag|holiday)\b|\bdate of birth\b|\bgeburtsdatum\b|\bhat (?:\w+ ){0,5}(?:zu"
    r"|geschlossen|geöffnet|auf)$|\b(?:train|bus|ferry|tram|zug|fähre|bahn) (?:\w+ )?(?:leaves|departs|goes|runs"
    r"|fährt|geht|kommt)\b|"
    r"\b(?:sind|bin|ist|are|is|we're|i'm|lines?|phones?|erreichen|erreichbar|hier) (?:\w+ ){0,4}(?:von|from|till"
    r"|until|bis|mondays?|montags?|täglich|daily|weekdays|zwischen)"
    r" .{0,40}(?:da|erreichbar|besetzt|offen|geöffnet|open|here)$|\bwe're in (?:till|until)|\b(?:einlösen|einlösbar"
    r"|redeem\w*|rabatt|discount|sale|bank holiday|feiertag"
    r"|findet (?:\w+ ){0,6}statt|(?:concert|show|match|film|course|class|game|performance|screening|workshop"
    r"|tour) (?:starts?|begins?|ends?|is)"
    r"|(?:konzert|film|spiel|kurs|vorstellung|führung|seminar|stück|lesung) (?:beginnt|startet|endet|ist|findet)"
    r"|last (?:orders?|entry|admission|train|bus|day)|letzte[rn]? (?:einlass|bus|zug|bestellung|tag)|angebot gilt"
    r"|offer|aktion|cut-?off|check-?in|doors|einlass|anpfiff|kick-?off|abfahrt|departure|high tide|low tide"
    r"|hochwasser)\b",
    _FLAGS,
)
_WE_OURSELVES: Final = re.compile(r"\b(?:i'll|we'll|ich|wir)\b", _FLAGS)
_LETS_KNOW: Final = re.compile(r"\b(?:melden|bescheid|let you know)\b", _FLAGS)
_WERDEN: Final = re.compile(r"\b(?:werde|wird|werden)\b", _FLAGS)
_AGAIN: Final = re.compile(r"\b(?:wieder|again|back|reopens?|re-open)\b", _FLAGS)
_DOING: Final = re.compile(r"\b(?:i'm|we're) \w+ing\b", _FLAGS)
_AT_WORK: Final = re.compile(r"\b(?:gerade|derzeit|aktuell|jederzeit)\b", _FLAGS)
