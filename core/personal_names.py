"""Full names of people, by what stands around them.

A name is two words with capitals or more, or an initial and a surname, or a surname after a title. What stands before
or after it says that it is one: a title, `heißt`, `in the name of`, a greeting, a telephone number in the same
brackets. A given name that many have is a sign of its own; the list is short and of this project's making, so that a
name that is not on it is found by its frame and by nothing else. First names alone and people whom everybody knows are
left alone.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MOST_PARTS: Final = 4
SHORTEST_SURNAME: Final = 3
SHORTEST_PART: Final = 3
LONGEST_GIVEN: Final = 12
MOST_ASKED: Final = 20_000
NEAR: Final = 14
"""So far from a name another thing of the same person may stand, as in `(Otto Quandel, 0170 1234567)`."""

_WORD: Final = re.compile(
    r"[^\W\d_]{1,40}(?:(?:-|['\u2019](?=[A-ZÄÖÜÀ-Ý]))[^\W\d_]{1,40}){0,4}"
)
_PARTICLES: Final = frozenset(
    "von van de da di del della du la le el al bin ibn ter ten af dos d do san st St Ó".split()
)
_AFTER_PARTICLES: Final = frozenset({"der", "den", "dem", "la", "las", "los", "zu", "het"})
_TITLES: Final = frozenset(
    "hrn herr herrn hr frau fr fräulein dr prof professor professorin familie fam mr mrs ms miss mx sir lady rev reverend"
    " mister madam dipl-ing ing mag schwester pastor pfarrer pfarrerin doktor sergeant constable councillor cllr judge"
    " señor señora signor signora madame monsieur mme nurse".split()
)
_SMALL_TITLES: Final = frozenset({"mr", "mrs", "dr", "herr", "herrn", "frau"})
_TITLES_AFTER: Final = frozenset("dr prof med ing mag dipl-ing phil rer nat jur habil iur pol".split())
_WEAK_TITLES: Final = frozenset("schwester doktor judge nurse lady fr ing mag pastor professor miss sir".split())
_OWN: Final = frozenset(
    "meine meiner deine deiner seine seiner ihre ihrer unsere unserer eure eurer euer eine einer die der jede keine junge"
    " nette alte diese dieser fremde fremden andere anderen welche jene jener liebe meinen unseren beste".split()
)

# What stands right before a name; a phrase is up to three words, with nothing but spaces or one sign after it.
_FRAMES: Final = frozenset(
    phrase.strip()
    for phrase in """
    heißt | heiße | heisse | heisst | hieß | heißen | namens | name | name ist | name lautet | namen | namen von | name is | name's
    | names | surname | ich bin | bin die | bin der | mein name | genannt | gez | unterzeichnet | unterschrieben | gezeichnet | signed | sgd | sign | c/o | z hd | hd | attn | fao
    | called | named | am called | i m | i am | it s | name s | mein name s | gewisser | gewisse | gewissen | gewissem | certain | this is | hier ist | hier spricht | hier schreibt | spricht | the name of
    | the name | name of | im auftrag | i a | ia | i v | ppa | absender | absenderin | empfänger | empfängerin | kontoinhaber | kontoinhaberin
    | inhaber | inhaberin | karteninhaber | versicherungsnehmer | versicherungsnehmerin | versicherte | versicherter | kundin
    | kunde | kunden | patient | patientin | mieter | mieterin | vermieter | vermieterin | ansprechpartner | ansprechpartnerin | sachbearbeiter
    | sachbearbeiterin | mitarbeiter | mitarbeiterin | mitarbeiters | kollege | kollegen | kollegin | berater | beraterin | betreuer
    | betreuerin | techniker | technikerin | monteur | fahrer | fahrerin | zusteller | chef | chefin | leiter | leiterin | filialleiter | filialleiterin
    | geschäftsführer | geschäftsführerin | vorstand | gutachter | gutachterin | anwalt | anwältin | rechtsanwalt | rechtsanwältin
    | nachbar | nachbarn | nachbarin | freund | freundin | mann | ehemann | ehefrau | gatte | gattin | sohn | sohnes | tochter | mutter | vater | vaters | bruder
    | schwester | oma | opa | onkel | tante | cousin | cousine | schwager | schwägerin | schwiegermutter | schwiegervater | schwiegersohn
    | lebensgefährte | lebensgefährtin | partner | partnerin | verstorbenen | verstorbene | witwe | witwer | mitbewohner | mitbewohnerin
    | husband | wife | son | daughter | mother | father | mum | mum's | dad | brother | sister | aunt | uncle | cousin | nephew | niece | gran | grandmother
    | grandfather | neighbour | neighbor | friend | colleague | partner | boss | landlord | landlady | tenant | flatmate | customer
    | client | patient | agent | adviser | advisor | manager | engineer | technician | driver | courier | assessor | surveyor | solicitor
    | lawyer | executor | handler | rep | representative | supervisor | director | ceo | chairman | clerk | cardholder | holder | recipient | sender
    | payee | beneficiary | addressee | addressed to | made out to | label says | behalf of | registered to | belonging to | belongs to
    | issued to | signed by | signed for by | spoke to | speak to | spoke with | speaking to | talked to | dealt with | rang | asked for | ask for | written by | sent by
    | auftrag von | auftrag der | ausgestellt auf | adressiert an | gebucht auf | läuft auf | lautet auf | lautend auf | unterschrieben von | gesprochen mit | zu händen | händen
    | to the attention of | attention | gast | guest | host
    | verfasst von | regards | sincerely | faithfully | truly | cheers | thanks | yours | best | wishes | thx | ta | love | grüße | gruß | grüßen | gruss | grüsse
    | grüssen | mfg | lg | vg | bg | hochachtungsvoll | ihr | ihre | euer | eure | ihrer | dein | deine | dank | danke | servus | respectfully | gratefully | kontakt | contact
    | bescheinigt | begünstigter | begünstigte | zahlungsempfänger | mitreisende | mitreisender | passagier | fahrgast | passenger | traveller | guests
    | doctor | officer | guard | conductor | schaffner | schaffnerin | verkäufer | verkäuferin | seller | buyer | käufer | käuferin | absender ist | geehrter | lieber
    """.split("|")
)
_CREDITS: Final = frozenset(
    "author autor autorin foto fotos photo photos text texte shownotes moderation redaktion bild words by interview von mit regie stimme"
    " kontakt contact name namen inhaber an to from von ansprechpartner".split()
)
"""What a colon makes a frame of."""
_FILLERS: Final = frozenset("aber nämlich übrigens eigentlich jetzt nun die der actually now just nur auch still".split())
"""What may stand between a frame and the name."""
# Greetings and the like are a frame at the end of a text or line only.
_CLOSINGS: Final = frozenset(
    "regards sincerely faithfully truly cheers thanks yours best wishes thx ta love grüße gruß grüßen gruss grüsse grüssen mfg lg vg bg"
    " hochachtungsvoll ihr ihre euer eure ihrer dein deine dank danke servus respectfully gratefully".split()
)
# What may stand before a name, and before much else, too: a given name must follow, or a surname of two.
_WEAK: Final = frozenset(
    "by von an auf für mit bei durch über gegen von: from by with to for and und & told asked at contact about of as sagte via is ist"
    " war was sind hat laut heute seit thank kontaktieren".split()
)
_PLACES: Final = [[word] for word in "in nach near into between zwischen im ab".split()]
_SAID_AFTER: Final = frozenset(
    "said says told promised rang called wrote emailed answered replied assured confirmed insisted refused claimed explained who"
    " sagte sagt meinte versprach schrieb behauptete versicherte bestätigte erklärte antwortete rief"
    " compares explains writes argues signed helped hung".split()
)
_NO_NAMES: Final = frozenset(
    """
    aber ab abo abos absolut absolute account achtung adresse again aktuell all alle allen aller alles als also alte alter alten am an and andere any app april
    are art as at auch auf aus august automatische bad bahn bank bahnhof bei best better bin bis bitte black blue bonjour bravo brief but by can card castle central
    city clear club company customer daily dank danke das dass data day days dear december deine dem den der des deutsche dezember did die dies diese dieser dieses
    dienstag do does don donnerstag dringend du e east ebenso ein eine einen einer eines endlich english ende erst erste ersten es euch euer eure every ex express february federal
    februar first five for four free freitag freundliche freundlichen freundlichem from frohe frohes früher für ganz ganze geht general german gern gerne get gibt good gold great green group grüße gruß
    gute guten guter gutes h had hallo happy has hat have he heilige hello help her here herzliche herzlichen herzlicher herzlichem heute hi hier high hier his home hotline hope how i
    ich if ihr ihre ihrem ihren ihrer im immer in internet is ist it its iban ja jahr january januar jeder jede jedes jetzt juli july june juni just kann kein keine
    keinen kind kinder konto könnt können könnte kunde kunden kundendienst kundennummer kundenservice kundin last leider let letzte letzten liebe lieben lieber liebes little live lord
    ltd macht mai mal man mein meine meinem meinen meiner mehr mit mittwoch moin monday montag more most mr mrs ms müssen my nach nachdem natürlich neue neuen neuer neues never new next
    nett nette netten nein nicht nichts no nord north nothing not november noch null nummer nun nur o ob oder of office ok okay oktober old on one only open or order our out over
    paket people pin please plus post premium pro public quick qr real red road royal samstag saturday schade schön schöne schönen schöner schönes schluss schnelle sd sehr sein seine seit september
    service servus shop sicher sie since sind so solche some sommer sonntag sonst sorry south st staff stadt station still stop street süd such sunday super support system t team
    telefon thank thanks that the then there these they thing this those three thursday ticket today toll tolle toller tolles tomorrow top total trotz tuesday two u um und unser unsere unserem
    unseren unserer unter up update us vertrag very via viel viele vielen vielleicht vom von vor wann war warum was we wednesday website wednesday weil welche welcher wenn wer werden west what
    when where which while white who why wie wieder winter wir wird with wlan wo wohl works würde yes yesterday yet you your zu zug zum zur zwei zwischen übrigens
    ihnen deren dessen herr herrn frau dr prof familie damen herren kollegen occupier current resident bewohner nachbar kollege doktor sirs madam sir holder owner manager customer
    kundenbetreuung beste besten besten bester guter gesamte eigene junge jungen kleine kleiner kleinen große großer großen deutsch deutscher deutschen österreichische schweizer gmbh ag kg inc
    merry christmas new year weihnachten ostern easter advent isle isles lake mount river port saint sankt bus car boot second time round full half price line half fahrt tag woche monat morgen abend mittag nacht
    straße strasse weg platz allee gasse court lane avenue rechnung lieferung bestellung buchung reservierung versicherung versicherungsschein police mail e-mail telefonnummer handynummer geburtstag geburtsdatum geb
    order parcel refund payment policy claim meter delivery invoice booking contract number reference phone email birthday love peace mum dad mom nan gran oma opa mama papa tante onkel aunt uncle
    will would could should must may might shall were been being am pm uk usa eu us gb de at ch id ip pc tv sms pdf faq hr cc bcc ps
    """.split()
)
_GIVEN: Final = frozenset(
    """
    aaron adam adrian agnes agnieszka ahmed ahmet aisha alan albert alejandro aleksandra alessandro alex alexander alexandra alfred ali alice alicia alina alison amanda amelia amina amir amy ana anastasia
    andrea andreas andrew andrzej angela angelika anika anita anja anke ann anna anne annegret anneliese annemarie annette annika anthony antje anton antonia antonio anya arne arthur astrid axel ayhan ayşe ayse
    barbara bärbel bastian beate beatrice ben benedikt benjamin bernadette bernard bernd bernhard bert bettina bianca birgit birgitta björn bogdan boris brenda brian bridget brigitte britta bruno burak
    callum carina carl carla carlos carmen carol carola caroline carolin carsten catherine cem charles charlotte chiara chloe christa christel christian christiane christina christine christoph christopher
    ciara claire clara clare claudia claus colin conny connor constanze cornelia craig daniel daniela danielle darren david dean deborah denis dennis derek detlef dieter dietmar dietrich dimitri dirk dmitri dmitry
    dominic dominik donald donna dorothea dorothy doris douglas duncan dylan eberhard eckhard edith edward egon eileen elaine eleanor elena elfriede elif elisa elisabeth elizabeth elke ellen elliot elmar else elsa elvira
    emil emilia emily emine emma emre enrico eoin erica erich erik erika ernst erwin esther ethan eugen eugene eva evelyn ewa fabian fatima fatma felicitas felix ferdinand fiona florian francesca francesco
    francis franz franziska frederick frederik frieda friedhelm friedrich fritz gabi gabriel gabriela gabriele gareth gary gavin geoffrey george georg gerald gerard gerd gerda gerhard gerlinde gert gertrud
    giovanni gisela gillian giulia giuseppe gordon graham greta gregor grzegorz gudrun günter günther guido gunter gustav gwen hakan hamza hanna hannah hannelore hannes hans harald harry hartmut hasan hassan
    heather hedwig heike heiko heiner heinrich heinz helen helena helene helga helge helmut hendrik henning henrik henry herbert heribert hermann hilda hilde hildegard holger horst howard hubert hugh hugo hussein
    ian ibrahim ignaz igor ilona ilse imran ina ines inga inge ingeborg ingo ingrid irene irina iris irmgard isaac isabel isabella isabelle ivan ivana ivo jack jacqueline jakob jakub james jamie jana jane janet janina jasmin
    jason javier jean jeffrey jennifer jenny jens jeremy jessica jill joachim joan joanna joanne jochen joe johann johanna johannes john jolanta jonas jonathan jörg jorge josef josefine joseph joshua josé juan judith
    julia julian juliane julie jürgen justin justyna jutta kai karen karin karl karla karsten kasimir katarina katarzyna kate katharina katherine kathleen kathrin kathryn katja katrin kay keith kelly kemal kenneth
    kerstin kevin khalid kieran kirsten klara klaus konrad konstantin kristin kristina krzysztof kurt lara lars laszlo laura lauren laurence lea leah lena leo leon leonard leonie leroy leslie liam lieselotte lina linda lisa lisbeth
    lorenz lorenzo lothar louis louise luca lucas lucia lucy ludwig luis luisa luise lukas lutz lydia lynn maciej magda magdalena malcolm malgorzata manfred manuel manuela marc marcel marco marcus marek margaret margarete
    margarethe margit margot maria marian marianne marie mario marion marius markus marlene marlies marta martha martin martina mary marvin mateusz mathias mathilde matteo matthew matthias maureen maurice maximilian
    megan mehmet melanie melissa mia michael michaela michal michelle miguel mike milan milena miriam mirko mohamed mohammed mona monica monika moritz muhammad murat mustafa nadia nadine nadja nancy naomi natalia natalie natascha
    nathan neil nicholas nicola nicolas nicole niels nigel niklas nikolaus nils nina noah noel nora norbert norman olaf ole oleg olga oliver olivia omar oscar oskar osman otto owen pablo pamela paolo pascal patricia patrick
    patrizia paul paula pauline pavel pedro peggy petra peter petr philip philipp phillip pia pierre piotr priya rachel rahel rainer raj rajesh ralf ralph ramona raphael raymond rebecca regina regine reiner reinhard reinhold renate
    rené ricarda richard rita robert roberto robin roger roland rolf roman ronald rosa rosemarie rosemary rosina ross roswitha roy rudi rudolf rupert ruth ryan sabine sabrina salma sally samantha samira samuel sandra sara sarah saskia
    sean sebastian selma serkan shane sharon sheila siegfried sigrid silke silvia simon simone sinan sofia solveig sonja sophia sophie stefan stefanie steffen stella stephan stephanie stephen steven stuart susan susanne suzanne svenja sven svetlana
    sybille sylvia tamara tanja tatjana terence teresa tessa theo theodor theresa theresia thomas thorsten thore tilman tim timo timothy tina tobias tom tomasz tony torben torsten tracy traudl trevor udo ulf ulla ulrich ulrike ursula uta ute uwe
    valentin valentina valerie vanessa vera verena veronika veronica victor victoria viktor viktoria viola vincent vivian vladimir volker volkan walburga waldemar walter waltraud wayne wendy werner wiebke wilfried wilhelm willi william winfried
    wojciech wolfgang xaver yannick yasemin yasmin yusuf yvonne zoe zeynep zofia
    alasdair angus aoife ailsa bronwyn cerys dafydd deirdre eilidh fergus fraser gethin hamish iain isla kirsty lachlan mairi maeve morag niamh nuala orla padraig rhiannon rhys rory ruairi saoirse seamus siobhan sinéad
    ingeburg friederike gottfried gottlieb hartwig heidemarie helmtrud irmtraud kunigunde leopold liselotte lieselore notburga ottilie reinhilde sieglinde traute wendelin wilhelmine kreszenz alois aloisia vroni xenia edeltraud
    """.split()
)
_KNOWN: Final = frozenset(
    name.strip()
    for name in """
    max mustermann | erika mustermann | otto normalverbraucher | lieschen müller | john doe | jane doe | joe bloggs | john smith | jane smith | john q public | sherlock holmes | john watson
    | darth vader | luke skywalker | harry potter | hermione granger | albus dumbledore | james bond | homer simpson | bart simpson | donald duck | dagobert duck | micky maus | mickey mouse | peter pan
    | robin hood | mary poppins | peter rabbit | basil fawlty | captain kirk | jack sparrow | indiana jones | forrest gump | bruce wayne | clark kent | peter parker | tony stark | frodo baggins
    | bilbo baggins | jon snow | walter white | santa claus | father christmas | don quijote | don quixote | hercule poirot | jane eyre | dorian gray | oliver twist | ebenezer scrooge | david copperfield | effi briest
    | gregor samsa | josef k | hans castorp | pippi langstrumpf | jim knopf | kai aus der kiste | paulchen panther | bernd das brot | bob ross | bob marley | bob dylan | elvis presley | freddie mercury | david bowie | michael jackson
    | kate bush | taylor swift | ed sheeran | helene fischer | dieter bohlen | thomas gottschalk | günther jauch | stefan raab | heidi klum | karl lagerfeld | loriot | heinz erhardt | angela merkel | olaf scholz | friedrich merz
    | robert habeck | annalena baerbock | christian lindner | helmut kohl | willy brandt | konrad adenauer | gerhard schröder | donald trump | joe biden | barack obama | elon musk | bill gates | steve jobs | mark zuckerberg
    | jeff bezos | boris johnson | keir starmer | rishi sunak | liz truss | tony blair | margaret thatcher | winston churchill | king charles | prince william | prince harry | david attenborough | stephen fry | john cleese
    | agatha christie | jane austen | charles dickens | george orwell | william shakespeare | virginia woolf | stephen king | franz kafka | thomas mann | hermann hesse | wolfgang mozart | wolfgang amadeus mozart | johann wolfgang
    | johann sebastian bach | ludwig van beethoven | karl marx | albert einstein | isaac newton | charles darwin | marie curie | sigmund freud | friedrich schiller | friedrich nietzsche | alan turing | ada lovelace | tim berners-lee
    | greta thunberg | tom cruise | tom hanks | bruce willis | brad pitt | george clooney | marie kondo | gordon ramsay | jamie oliver | nigella lawson | paul hollywood | mary berry | alan sugar | martin lewis
    | martin luther | martin luther king | nelson mandela | mahatma gandhi | mutter teresa | mother teresa | florence nightingale | steffi graf | boris becker | lionel messi | cristiano ronaldo | david beckham | uri geller | ernst august
    | rosa luxemburg | anne frank | sophie scholl | till eulenspiegel | rip van winkle | father ted | dot cotton | del boy | peter griffin | marty mcfly | emmett brown | franz beckenbauer | thomas müller | jürgen klopp | harry kane | reinhard mey | udo lindenberg | herbert grönemeyer
    """.split("|")
)
_KNOWN_TITLED: Final = frozenset(
    "bean holle kaiser robot marple house who oetker spock bond darcy hyde jekyll watson strange frankenstein t moneypenny potatohead merkel scholz merz trump musk biden bates fawlty"
    " nilsson rossi kafka einstein google alexa holmes poirot scrooge tur doolittle mabuse faust no evil pepper oberlehrer wirt ober bürgermeister minister präsident polizist nice right"
    " wonderful postman god president minister speaker bank robinson whippy muscle kipling clean chips blobby".split()
)


@dataclass(frozen=True, slots=True)
class _Word:
    said: str
    low: str
    start: int
    end: int


def names(
    plain: str,
    others: Sequence[tuple[int, int]] = (),
    *,
    is_german: bool = True,
    is_word: Callable[[str], bool] | None = None,
) -> Iterator[tuple[int, int]]:
    """Yield where full names stand, and surnames after a title, without it.

    In German every noun has a capital, so two surnames with a hyphen say less there. Two words with capitals that are no
    words, by `is_word`, are a name wherever they stand. `others` is where other personal data stands, in the order of the text: a name right beside it is one.
    """
    words = [
        _Word(found[0], found[0].lower().replace("\u2019", "'"), found.start(), found.end())
        for found in _WORD.finditer(plain)
    ]
    beside = _Beside(plain, others)
    reading = _Reading(is_german=is_german, is_word=is_word)
    at = 0
    while at < len(words):
        end = _titled(plain, words, at) or _framed(plain, words, at, beside, reading)
        if end is None:
            at += 1
            continue
        first, last = end
        yield words[first].start, words[last].end
        at = last + 1


class _Reading:
    """Tells words from what is none; it asks about so many different ones, and takes what comes then for words."""

    def __init__(self, *, is_german: bool, is_word: Callable[[str], bool] | None) -> None:
        self.is_german = is_german
        self._is_word = is_word
        self._asked: dict[str, bool] = {}

    def is_strange(self, word: _Word) -> bool:
        """Tell whether this is known to be no word."""
        return self._is_word is not None and not all(self._knows(part) for part in word.said.split("-"))

    def is_common(self, word: _Word) -> bool:
        """Tell whether this is known to be a word."""
        return self._is_word is not None and not self.is_strange(word)

    def is_given(self, word: _Word) -> bool:
        """Tell whether this may be a given name that few have: short, no word, and in German not made of two."""
        low = word.low
        return (
            SHORTEST_SURNAME <= len(low) <= LONGEST_GIVEN
            and self.is_strange(word)
            and not (self.is_german and any(
                self._knows(low[:cut]) and self._knows(low[cut:])
                for cut in range(SHORTEST_PART, len(low) - SHORTEST_PART + 1)
            ))
        )

    def _knows(self, word: str) -> bool:
        if word not in self._asked:
            self._asked[word] = self._is_word is None or len(self._asked) >= MOST_ASKED or self._is_word(word)
        return self._asked[word]


class _Beside:
    """Tells whether other personal data stands right beside a place; asked in the order of the text."""

    def __init__(self, plain: str, others: Sequence[tuple[int, int]]) -> None:
        self._plain = plain
        self._others = sorted(others)
        self._next = 0

    def covers(self, start: int, end: int) -> bool:
        self._forward(start)
        return self._next < len(self._others) and self._others[self._next][0] < end

    def is_near(self, start: int, end: int) -> bool:
        self._forward(start)
        if self._next < len(self._others):
            gap = self._plain[end : self._others[self._next][0]]
            if len(gap) <= NEAR and _GAP_AFTER.fullmatch(gap):
                return True
        if self._next:
            gap = self._plain[self._others[self._next - 1][1] : start]
            return len(gap) <= NEAR and bool(_GAP_BEFORE.fullmatch(gap))
        return False

    def _forward(self, start: int) -> None:
        while self._next < len(self._others) and self._others[self._next][1] <= start:
            self._next += 1


_PLAIN_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzäöüß-'")
_PREFIX: Final = re.compile(r"^(?:Mc|Mac|De|Di|Du|La|Le|Van|Von|Fitz)(?=[A-Z][a-z])")
_ABSTRACT: Final = re.compile(r".{3,}(?:ung|ungen|heit|keit|schaft|tion|tionen|ität|ismus|ment|ness|ship)")
_GAP_AFTER: Final = re.compile(r" ?[,;:(/|<\n-]{0,2} ?(?:(?:geb\.?|born|dob|tel\.?|mobil|kdnr\.?|mail|e-mail|nr\.?)[ .:]{0,2}(?:am )?|(?:unter|on|at|via|per|mit|with) )?", re.IGNORECASE)
_GAP_BEFORE: Final = re.compile(r" ?[,;:)/|>\n-]{0,2} ?(?:(?:auf|an|von|for|to|of|belongs to|in name of|is|ist) )?", re.IGNORECASE)


def _is_name(word: _Word) -> bool:
    said = word.said
    if not said[0].isupper() or word.low in _NO_NAMES:
        return False
    if len(said) == 1:
        return False
    return all(part[:1].isupper() and _is_mixed(part) for part in re.split("[-'\u2019]", said)) or (
        "'" in said and said[0].isupper()
    )


def _is_mixed(part: str) -> bool:
    """Tell whether a part is written as a name is: `Huber`, `McCloud`, `O`, not `USB` or `iPhone`."""
    rest = _PREFIX.sub("", part) or part
    return len(part) == 1 or rest[1:].islower()


def _sequence(plain: str, words: Sequence[_Word], at: int) -> int | None:
    """Return the last word of what is written as a name from here on, of one word or more."""
    last = None
    for step in range(at, min(len(words), at + MOST_PARTS + 1)):
        word = words[step]
        if step > at and plain[words[step - 1].end : word.start] != " " and not _is_initial_gap(plain, words, step):
            break
        if _is_name(word):
            last = step
        elif not (_is_initial(plain, word) or (step > at and _is_particle(word, words[step - 1]))):
            break
    return last


def _is_particle(word: _Word, before: _Word) -> bool:
    return word.said in _PARTICLES or (word.said in _AFTER_PARTICLES and before.said in _PARTICLES)


def _is_initial(plain: str, word: _Word) -> bool:
    return len(word.said) == 1 and word.said.isupper() and plain[word.end : word.end + 1] == "."


def _is_initial_gap(plain: str, words: Sequence[_Word], step: int) -> bool:
    gap = plain[words[step - 1].end : words[step].start]
    return gap in {". ", "."} and (_is_initial(plain, words[step - 1]) or words[step - 1].said == "St")


def _titled(plain: str, words: Sequence[_Word], at: int) -> tuple[int, int] | None:
    title = words[at]
    if title.low not in _TITLES or title.said == "MS" or (title.said.islower() and title.low not in _SMALL_TITLES):
        return None
    if title.said == "dr" and plain[title.end : title.end + 1] != ".":
        return None
    first = at + 1
    while first < len(words) and words[first].low in _TITLES | _TITLES_AFTER and _is_gap(plain, words, first):
        first += 1
    if first >= len(words) or not _is_gap(plain, words, first):
        return None
    last = _sequence(plain, words, first)
    if last is None:
        return None
    parts = last - first + 1
    surname = words[last]
    if parts == 1 and (
        len(surname.said) < 2
        or title.low in _WEAK_TITLES
        or surname.low in _KNOWN_TITLED
        or (at and words[at - 1].low in _OWN and title.low == "frau")
        or (title.low in {"frau", "herr", "herrn"} and surname.low in _GIVEN and at and words[at - 1].low in _OWN)
    ):
        return None
    if title.low in _WEAK_TITLES and parts < 2:
        return None
    if _said(words, first, last) in _KNOWN:
        return None
    return first, last


def _is_gap(plain: str, words: Sequence[_Word], at: int) -> bool:
    return plain[words[at - 1].end : words[at].start] in {" ", ". ", "."}


def _framed(
    plain: str, words: Sequence[_Word], at: int, beside: _Beside, reading: _Reading
) -> tuple[int, int] | None:
    first = words[at]
    if not first.said[0].isupper() or not (_is_name(first) or _is_initial(plain, first)):
        return None
    if (first.low in _FRAMES or _ABSTRACT.fullmatch(first.low)) and first.low not in _GIVEN:
        return None
    last = _sequence(plain, words, at)
    if last is not None and first.low not in _GIVEN and any(word.low in _GIVEN for word in words[at + 1 : last]):
        # What stands before a given name is what somebody is, as in `Techniker Jonas Weber`.
        return None
    if last is None or last == at or beside.covers(first.start, words[last].end):
        return None
    said = _said(words, at, last)
    if said in _KNOWN or " ".join(said.split()[:2]) in _KNOWN:
        return None
    if plain[max(0, first.start - 1) : first.start] in {"@", "#", "/", "_", "."} and plain[first.start - 1 :][:1] != " ":
        return None
    return (at, last) if _is_person(plain, words, at, last, beside, reading) else None


def _is_person(
    plain: str, words: Sequence[_Word], at: int, last: int, beside: _Beside, reading: _Reading
) -> bool:
    first, surname = words[at], words[last]
    gap = plain[words[at - 1].end : first.start] if at else plain[: first.start]
    ends = not plain[surname.end :].strip(" .!)\n\"'")
    opens = not gap.strip(" \n(\"'\u201e\u201c") and not at
    is_double = "-" in surname.said and len(surname.said) >= 2 * SHORTEST_SURNAME
    initial = len(first.said) == 1
    given = first.low in _GIVEN or first.low.split("-")[0] in _GIVEN or initial
    strange = any(not set(word.low) <= _PLAIN_LETTERS for word in words[at : last + 1])
    line_end = ends or plain[surname.end : surname.end + 1] == "\n"
    alone_on_line = line_end and (opens or "\n" in gap)
    before = [word.low for word in words[max(0, at - 4) : at]]
    if len(before) > 1 and before[-1] in _FILLERS:
        before.pop()
    phrases = {" ".join(before[-count:]) for count in (1, 2, 3)} if before else set()
    is_joined = len(gap) <= 4 and not any(sign in gap for sign in ".!?;)") or gap.strip() in {":", ",", "", "("}
    is_framed = bool(before and is_joined and phrases & _FRAMES)
    if surname.low in _GIVEN and not given and not is_framed:
        # Somebody is called or greeted by the first name alone, as in `Ring Eoin`.
        return False
    is_noun = reading.is_common(first) and reading.is_common(surname) and not given
    if not given and not is_framed and any(word.said in _PARTICLES for word in words[at + 1 : last]):
        return False
    if beside.is_near(first.start, surname.end) and not is_noun:
        return not (initial and len(surname.said) < SHORTEST_SURNAME)
    if before and gap == ": " and before[-1] in _CREDITS:
        return True
    if is_framed:
        if before[-1] in _CLOSINGS:
            return ends or line_end or given
        return True
    after = words[last + 1].low if last + 1 < len(words) else ""
    if initial and at and after in {"hier", "here", "speaking"}:
        return True
    if initial:
        return bool((before and before[-1] in _WEAK and gap == " ") or line_end and (not at or any(sign in gap for sign in ".!?\n,;")) or (is_double and at))
    if given:
        return True
    if (
        reading.is_given(first)
        and reading.is_strange(surname)
        and len(surname.said) > SHORTEST_SURNAME
        and [*before[-1:]] not in _PLACES
    ):
        return True
    if after in _SAID_AFTER and at and gap == " ":
        return True
    if line_end and (alone_on_line or any(sign in gap for sign in ".!?\n")) and not plain[surname.end :].strip("\n "):
        return True
    if before and before[-1] in _WEAK and gap == " ":
        return (is_double and not reading.is_german) or strange
    if gap.strip() == "(" and plain[surname.end : surname.end + 1] == ",":
        return True
    return bool(strange and at and gap == " ")


def _said(words: Sequence[_Word], first: int, last: int) -> str:
    return " ".join(word.low for word in words[first : last + 1])
