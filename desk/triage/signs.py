"""Signs by which a person would tell what a customer wants: words and turns of phrase in German and English.

They are written from knowledge of how people write to a company, dialects included; how much each counts is learnt
(`desk.triage.model`). Every pattern is bounded, so that no text takes more than linear time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask_babel import lazy_gettext as _l

LONGEST: Final = 4_000
"""So much of a text is read for signs; what a customer wants is said before that."""
MOST_COUNTED: Final = 3

_PHRASES: Final[Mapping[str, Mapping[str, str]]] = {
    "asks_around": {
        "de": """weiss jemand, weiss wer, weiss einer, weiss irgendwer, wer weiss, kennt jemand, kennt wer, kennt sich,
            kennt ihr, hat jemand, hat wer, hat einer, hat irgendwer, hat noch jemand, ist das bei euch auch,
            geht es noch jemand*, jemand eine idee, jemand ne idee, jemand erfahrung*, irgendjemand, erfahrungen mit,
            kann jemand, kann wer, kann mir jemand, kann mir wer, gibts hier, gibt es hier, wer hat, wer von euch,
            wer kann, wos wer, woass wer, woas ana, weiss öpper, het öpper, hat jmd, weiss jmd, kennt jmd, jemand da""",
        "en": """does anyone, does anybody, anyone know, anyone else, anybody know, anybody else, has anyone, has anybody,
            anyone got, anyone had, anyone here, is anyone, can anyone, could anyone, can someone, any idea, any ideas,
            any tips, any advice, any chance, who else, is it just me, just me or, experience with, is there anyone,
            has any of you, do any of you, anyone using, anyone tried, can somebody""",
    },
    "asks": {
        "de": """frage*, kurze frage, eine frage, ne frage, wollte fragen, wollt fragen, wollte wissen, würde gern* wissen,
            wüsste gern*, möchte wissen, interessiert mich, frage mich, frag mich, stimmt es, stimmts, könnt ihr mir,
            könnten sie, könntet ihr, kannst du, können sie, könnt ihr, kann ich, könnte ich, kann man, darf ich,
            darf man, muss ich, muss man, müsste ich, soll ich, sollte ich, brauche ich, brauch ich, reicht das, reicht es,
            ist es möglich, wäre es möglich, gibt es, gibts, gäbe es, habt ihr, haben sie, hätten sie, hättet ihr,
            bietet ihr, bieten sie, macht ihr, geht das auch, geht das mit, gilt das, gilt der, gilt die, zählt das,
            wie funktioniert, wie geht, wie kann ich, wie komm* ich, wie bekomm* ich, wie krieg* ich, wie lange dauert,
            wie viel, wieviel, wie hoch, wie oft, wo finde, wo kann, wo muss, wo ist, wo steht, wo krieg*, wo bekomm*, wohin,
            wann kommt, wann wird, wann gibt, wann ist, bis wann, ab wann, welche*, was kostet, was muss, was bedeutet,
            was heisst, was passiert, was ist der unterschied, warum wird, wieso ist, wozu brauch*, woran liegt, woher""",
        "en": """question*, quick question, quick one, wondering, wanted to ask, like to know, curious, do i need, do i have,
            do you, do we, did you, can i, can you, can we, could i, could you, may i, would you, would it, will you,
            will it, will there, will my, is there, is it, is this, is that, is my, are there, are you, are we, does it,
            does the, does that, does this, does my, should i, shall i, have you, how do, how can, how long, how much,
            how many, how often, how would, how does, how to, how come, where do, where can, where is, where's, what is,
            what's the, what time, what does, what happens, what do i, what would, when is, when will, when does,
            when do, which, who do, who can, why does, why is, why do, why has, what are, any way to, any news, any update,
            possible to, difference between""",
    },
    "wants_told": {
        "de": """bitte um, ich bitte, ich brauche, ich bräuchte, brauch mal, ich benötige, hätte gern*, möchte gern*, würde gern*,
            ich möchte, ich will, wir möchten, bitte teilen, teilen sie mir, bitte senden, bitte schicken, bitte melden,
            meldet euch, melden sie sich, bitte rückmeldung, um rückruf, rückruf, könnte jemand, hilfe, helft, hilf mir,
            helfen, bitte prüfen, bitte ändern, bitte korrigier*, schaut mal, schauen sie, kümmert euch, bräucht, bitte um hilfe""",
        "en": """please help, help me, need help, need some help, help please, i need, we need, i'd like, i would like, we'd like,
            please could, please can, please let me, let me know, please send, please call, call me, get in touch, can someone,
            please advise, please check, please change, please confirm, please tell, sort it, look into, please fix, get back to me,
            assistance, tell me""",
    },
    "fails": {
        "de": """geht nicht*, geht nix, geht net, geht ned, geht gar nicht*, geht nimmer, gehn nicht, nichts geht, nix geht, nix mehr,
            funktioniert * nicht*, funktioniert nicht*, funktioniert ned, funktionieren nicht, funzt nicht, funzt net, tut nicht, tut nix,
            läuft nicht, startet nicht, lädt nicht, lädt und lädt, öffnet nicht, öffnet sich nicht, kommt nicht an, kommt nicht, kommt nix,
            kam nicht, kam nie, kam nix, nicht angekommen, nie angekommen, nicht geliefert, nicht zugestellt, nicht möglich, kaputt*, defekt*,
            fehler*, fehlermeldung*, error, abgestürzt, stürzt * ab, stürzt ab, hängt, hängen, eingefroren, tot, offline, ausfall*, ausgefallen,
            störung*, gestört, gesperrt*, sperrt, blockiert*, leer, falsch*, verschwunden, fehlt, fehlen, weg, unbekannt, ungültig, abgelehnt,
            verweigert, klappt nicht, klappt nix, kann mich nicht, kann nicht*, komme nicht, komm nicht, komm ned, kein netz, kein signal,
            kein internet, kein strom, kein wasser, kein empfang, keine verbindung, keine mail, kein zugang, kein zugriff, erkennt nicht, findet nicht,
            reagiert nicht, blinkt, dreht sich, abgebrochen, bricht ab, gescheitert, verloren, gestrichen, fällt aus, entfällt, ausgefallen, steckengeblieben,
            doppelt, zweimal, spinnt, streikt, macht nix, macht nichts, hin, im eimer, tropft, kalt, dunkel, nass, verspätet, verspätung""",
        "en": """not work*, isn't work*, doesn't work, does not work, don't work, won't, wont, can't, cant, cannot, couldn't, not loading,
            won't load, doesn't load, broken, broke, breaks, faulty, error*, fail*, crash*, freez*, frozen, stuck, hang*, down, outage, dead,
            offline, blank, empty, wrong, missing, vanish*, disappear*, gone, lost, locked, blocked, rejected, declined, refused, denied,
            expired, invalid, unable, not receiv*, never arriv*, not arriv*, hasn't arriv*, didn't arrive, never came, never turn*,
            never show*, hasn't come, no sign of, nowhere, no signal, no internet, no power, no water, no heating, no hot, no connection,
            no email, no access, keeps, keep asking, keep getting, kept, loop, spinning, buffering, unavailable, cancelled, canceled, delayed,
            not show*, isn't show*, doesn't show, doesn't recogni*, not recogni*, twice, double, duplicate*, bust, knackered, kaput, leak*, cold,
            out of nowhere, not registering, says i, tells me, insists""",
    },
    "goes_on": {
        "de": """immer noch, noch immer, noch nicht, nach wie vor, schon wieder, wieder mal, mal wieder, wieder nicht, wieder kein*, seit tagen,
            seit wochen, seit monaten, seit stunden, seit gestern, seit heute, seit montag, seit dienstag, seit mittwoch, seit donnerstag,
            seit freitag, seit samstag, seit sonntag, seit dem update, seit der umstellung, seit ein*, seit zwei, seit drei, seit vier, seit fünf, seit sechs, seit 0*, seit über, seit anfang, seit ende,
            warte*, wart, zum dritten, zum zweiten, zum vierten, zum x-ten, zum fünften, dritte mal, zweite mal, vierte mal, 0. mal, ständig, dauernd, jeden tag, jedes mal,
            ununterbrochen, tagelang, wochenlang, stundenlang, bis heute, bisher""",
        "en": """still no*, still wait*, still, yet again, once again, again, for days, for weeks, for months, for hours, for 0*, for two, for three,
            for four, for six, since yesterday, since monday, since tuesday, since wednesday, since thursday, since friday, since saturday,
            since sunday, since last, since the update, since this, since 0*, third time, second time, fourth time, fifth time, umpteenth,
            every day, every time, every single, all day, all week, all morning, whole morning, whole day, weeks later, days later, months later,
            weeks now, days now, months now, hours now, waiting, wait, now on day, day 0*, week 0*, attempt""",
    },
    "presses": {
        "de": """dringend*, eilig*, eilt, sofort, umgehend, schnellstmöglich, so schnell wie möglich, asap, heute noch, noch heute, bis heute,
            bis morgen, bis montag, bis freitag, in einer stunde, in zwei stunden, in 0* minuten, in 0* stunden, in 0* min, stehe gerade,
            stehen gerade, steh grad, steh gerade, stehe vor, steh vor, stehen vor, stehe hier, steh hier, stehen hier, sitze fest, sitzen fest, komme nicht rein, notfall,
            krankenhaus, baby, säugling, kleinkind, insulin, medikament*, rollstuhl, pflege*, frist, fällig, abflug, flug geht, zug geht,
            morgen früh, heute abend, morgen abend, übermorgen, in der kälte, heizung, brennt, raucht, qualmt, gas, gestohlen, geklaut, gehackt, betrug, missbraucht""",
        "en": """urgent*, asap, immediately, right now, right away, emergency, today, tonight, tomorrow, by tomorrow, by monday, by friday,
            in an hour, in 0* minutes, in 0* hours, in 0* mins, in two hours, standing outside, stood outside, standing at, standing in, stuck at, stuck in,
            stranded, hospital, baby, newborn, insulin, medication, medicine, wheelchair, carer, deadline, due, boarding, flight, leaves in, closing,
            this morning, this evening, freezing, burning, smoke, smoking, gas, stolen, hacked, fraud, payday, rent, eviction, in labour, in the rain""",
    },
    "money": {
        "de": """euro, eur, €, chf, franken, geld, erstatt*, rückerstatt*, rückzahl*, gutschrift*, gutgeschrieben, abgebucht, abbuch*,
            belastet, rechnung*, mahnung*, mahngebühr*, gebühr*, kosten, kostet, tarif*, preis*, preiserhöhung*, abschlag*, beitrag*,
            zahle, zahlen, bezahl*, überwies*, überweis*, kaution, guthaben, inkasso, vertrag*, nachzahl*""",
        "en": """£, $, €, euros, quid, money, refund*, reimburs*, compensat*, charge*, debit*, bill*, invoice*, fee, fees, price*,
            cost*, paid, pay, paying, payment*, deposit, credit*, balance, contract*, tariff*, owed, owe, bucks""",
    },
    "demands": {
        "de": """ich erwarte, erwarte ich, ich verlange, ich fordere, fordere ich, fordern, entschuldigung, stellungnahme, frist bis, setze ihnen,
            anwalt, rechtsanwalt, verbraucherzentrale, verbraucherschutz, schlichtungsstelle, bundesnetzagentur, ombuds*, anzeige, klage, gericht,
            kündige, kündigen, kündigung, gekündigt, wechsle, wechsel ich, anbieter wechseln, zur konkurrenz, nie wieder, nie mehr, letzte mal, letztes mal,
            zum letzten mal, beschwer*, widerspruch, widerspreche, akzeptiere * nicht, lasse ich mir nicht, reicht es, reichts, mir reicht, schnauze voll, ich hab genug, habe genug, das war's, wars das,
            bin ich weg, dann bin ich, verantwortlich*, konsequenzen, vorgesetzt*, geschäftsführung, vorstand, boykott, finger weg""",
        "en": """i expect, i demand, i want my, we demand, apology, apologise, apologize, lawyer, solicitor, ombudsman, regulator, trading standards,
            small claims, court, legal action, cancel my, cancelling, i'm cancelling, switching, moving to, taking my, never again, last time, last straw, complain*,
            formal complaint, do not accept, don't accept, unacceptable, not acceptable, had enough, enough is, i'm out, i'm done, done with, good riddance, avoid,
            stay away, steer clear, don't bother, boycott, your boss, manager, ceo, accountable, responsib*, escalat*""",
    },
    "scolds": {
        "de": """frech*, frechheit, unverschämt*, lächerlich*, katastroph*, katastrophal*, mies*, abzock*, saftladen, sauladen, drecksladen, sauerei,
            armutszeugnis, unmöglich, enttäusch*, peinlich*, witz, ein witz, schlechter witz, schlecht*, schlimm*, grauenhaft, furchtbar, unterirdisch,
            inakzeptabel, dreist*, skandal*, schande, schäbig, unfähig*, inkompeten*, chaos, chaosladen, zumutung, lachnummer, farce, verarsch*, veräppel*,
            verschaukel*, hingehalten, abgespeist, abgewimmelt, textbaustein*, standardantwort*, bot, blabla, ignorier*, geht gar nicht, zum kotzen, nervt, nervig,
            wucher, geldgier*, raffgier, betrüger*, lüge*, gelogen, verlogen, servicewüste, kundenfreundlich*, kundenservice, euer ernst, ihr ernst, scheiss*, mist, dreck, schrott, müll""",
        "en": """disgrac*, disgust*, joke, pathetic, shambles, shambolic, shame, shameful, ashamed, rubbish, awful, appalling, ridiculous, disappoint*,
            insult*, rip off, rip-off, ripoff, scam*, worst, terrible, useless, clown*, farce, nightmare, incompeten*, diabolical, dreadful, horrendous, poor,
            atrocious, abysmal, outrageous, greedy, greed, cheek, cheeky, robbery, lie, lies, lied, lying, liars, fobbed, ignored, ignoring, copy and paste, copy-paste,
            canned, template, scripted, bot, chatbot, sick of, fed up, tired of, crap, garbage, trash, mess, fuming, furious, livid, beyond, bloody, dodgy, bad, hopeless, taking the piss, mickey""",
    },
    "exclaims": {
        "de": """euer ernst, ihr ernst, dein ernst, im ernst, ernsthaft, geht's noch, gehts noch, wollt ihr mich, wollen sie mich, schämt euch, schämen sie,
            was soll das, was soll der, was ist das für, wie kann man, wie kann es sein, kann ja wohl nicht, kann doch nicht, darf doch nicht, darf ja wohl, kann nicht sein, wofür zahl*, wozu zahl*, wofür bezahl*,
            wie lange noch, wie oft noch, wie schwer kann, merkt ihr, merkt ihr's, habt ihr überhaupt, lest ihr, liest bei euch, arbeitet bei euch, interessiert euch, glaubt ihr, denkt ihr, für wie blöd, oder was, hallo?, unfassbar, unglaublich, echt jetzt, spinnt ihr""",
        "en": """are you serious, seriously, you serious, are you kidding, you kidding, kidding me, you joking, are you joking, having a laugh, what is the point, what's the point, what is wrong with, what the,
            wtf, how is that, how is this, how hard, how dare, since when, why should i, why do i even, why do i bother, do you even, do you people, does anybody there, does anyone there, what part of, what exactly am i, what am i paying,
            how many times, how many more, how long does it, is this a joke, is that what, unbelievable, unreal, honestly, really?, at all, supposed to, call that, call yourself*, so much for, in what world""",
    },
    "ironic": {
        "de": """danke für nichts, danke für nix, vielen dank auch, na danke, na super, na toll, na prima, na bravo, na klasse, ganz toll, ganz grosses, grosses kino, bravo, glückwunsch, gratuliere, gratulation, applaus, respekt, läuft bei, weiter so,
            ach so, aha, soso, anscheinend, offenbar, offensichtlich, natürlich, selbstverständlich, klar doch, wie schön, schön dass, schön, dass, toll dass, toll, dass, super dass, super, dass, spannend, interessant dass, angeblich, sogenannt*, ja klar, wahrscheinlich, vermutlich, bestimmt, premium, hätte ja sein können, wer braucht schon, wer braucht, kundennah, innovativ""",
        "en": """thanks for nothing, well done, good job, great job, nice one, nice job, bravo, slow clap, congratulations, congrats, apparently, allegedly, obviously, of course, evidently, presumably, clearly, love how, love that, love it when, love the way, how lovely, how nice, how kind, lucky me, living the dream, big thanks, round of applause, so-called, what a treat, delighted to, good to know, nice to know, in theory, supposedly, who needs, world class, award, premium, i suppose, guess i, i assume""",
    },
    "thanks": {
        "de": """danke, dankeschön, danke schön, vielen dank, herzlichen dank, besten dank, tausend dank, lieben dank, merci, vergelt's gott, dank, bedanken, bedanke, dankbar, vielen lieben, dankbarkeit, mercie, dank euch, ein lob, lob, loben, gelobt, kompliment, hut ab, chapeau, respekt, daumen hoch""",
        "en": """thanks, thank you, thank u, thx, cheers, ta, many thanks, grateful, appreciate*, kudos, shout out, shout-out, shoutout, hats off, props, credit where, praise, compliment*, bless, much obliged, ty, fair play, big up, hat tip""",
    },
    "praises": {
        "de": """super, toll*, klasse, spitze, spitzenmässig, grossartig*, begeister*, zufrieden*, empfehl*, weiterempfehl*, freundlich*, kompeten*, hilfsbereit*, nett*, lieb, liebe, engel, perfekt*, einwandfrei, tadellos, reibungslos, problemlos, unkompliziert*, vorbildlich*, prima, genial*, hervorragend*, ausgezeichnet*, wunderbar*, traumhaft, leiwand, lässig, geil, mega, top, fein, leckt, liebevoll, schnell*, sofort geholfen, geholfen, geduldig*, geduld, gerettet, positiv*, überrasch*, freue, gefreut, glücklich, zuverlässig*, endlich mal, so geht, so muss, gut gemacht, gerne wieder, immer wieder gern*, sympathisch*, herzlich*, angenehm*, besten, beste, bester, sensationell, liab, guat, weltklasse, erste sahne, könnte nicht besser, läuft wie""",
        "en": """brilliant*, lovely, amazing, fantastic, excellent, great, wonderful, superb, awesome, perfect*, best, love, loved, impress*, helpful, helped, friendly, kind, kindness, patient, patience, saved, saviour, lifesaver, recommend*, legend*, star, stars, gem, chuffed, delighted, happy, pleased, pleasure, smooth*, painless, effortless, flawless*, easy, sorted, quick*, fast, spot on, top notch, top-notch, above and beyond, made my day, finally, cracking, grand, class act, ace, mint, sound, sweet, wee star, faith in, restored, well played, well deserved, surprised, refreshing, credit to, five stars, cannot fault, can't fault, didn't have to, took the time, no fuss, first time, without me""",
    },
    "sells": {
        "de": """verkaufe, verkauf, zu verkaufen, zu verschenken, verschenke, biete, suche, tausche, vb, vhb, abholung, selbstabholer, neuwertig, ovp, kleinanzeige*, gebraucht, wir suchen, sucht verstärkung, stellenangebot*, ausbildung, azubi*, praktikum, werkstudent*, bewerb*, vorstellungsgespräch, jobmesse, flohmarkt, nachmieter""",
        "en": """for sale, selling, giving away, collection only, free to collect, pick up only, ono, swap, wanted, hiring, we're hiring, vacancy, vacancies, job, jobs, interview, apprentice*, internship, recruit*, careers, apply, car boot, second hand, secondhand, used, boxed""",
    },
    "reports": {
        "de": """pressemitteilung, presse, artikel, beitrag, podcast, folge, episode, blog, blogbeitrag, studie, umfrage, fusion, übernahme, quartal*, aktie*, börse, bilanz, umsatz, zeitung, laut, interview, vortrag, vergleich, vergleichstest, testbericht, testsieger, newsletter, messe, konferenz, veranstaltung, marktanteil*, branche*, eröffnet, eröffnung, filiale, historisch*, gegründet, jubiläum, baustelle, gelesen, neu erschienen, thread, tagung, stadtrat, gemeinderat, doku, geschichte, analyse, sponsor*, kommentar, meldet, meldete, berichtet, kündigt an, gibt bekannt""",
        "en": """press release, article, podcast, episode, blog, blogpost, study, survey, merger, takeover, acqui*, quarterly, shares, stock, market, markets, revenue, profits, newspaper, according to, interview, talk, keynote, comparison, review, newsletter, conference, event, industry, opened, opening, branch, history, historical*, founded, anniversary, roadworks, reading, read, new post, thread, panel, council, documentary, story, analysis, sponsor*, column, reports, reported, announces, announced, exhibition, museum, wrote, writing about, case study""",
    },
    "chats": {
        "de": """kater, katze, hund, opa, oma, nachbar*, mutter, vater, bruder, schwester, kollege, kollegin, mann, frau, sohn, tochter, werbung, werbespot, jingle, ohrwurm, logo, maskottchen, trikot, stadion, plakat, lieferwagen, kuli, kugelschreiber, tasse, karton, tüte, farbe, geträumt, traum, haha, hihi, lol, kicher*, fun fact, funfact, lustig*, witzig*, gesehen, heute gelernt, til, guten morgen, schönen tag, schönes wochenende, spaziergang, sonnenuntergang, foto, fotos, bild, gemalt, gebastelt, gebacken, quiz, erinnert mich, erinnerung, früher, kindheit, damals, mittagspause, gewinnspiel""",
        "en": """cat, dog, grandad, granddad, grandpa, nan, gran, grandma, neighbour*, neighbor*, mum, dad, mother, father, brother, sister, husband, wife, son, daughter, colleague, advert, ad, ads, jingle, logo, mascot, shirt, stadium, billboard, van, mug, tote, bag, cardboard, colour, dreamt, dream, dreamed, haha, hehe, lol, lmao, fun fact, funny, saw, spotted, today i learned, til, good morning, nice day, happy friday, walk, sunset, photo, photos, picture, painted, baked, knitted, quiz, remind*, memory, childhood, back in, lunch, crossword, pub""",
    },
    "lures": {
        "de": """gewinn*, gewonnen, glückwunsch sie, sie haben gewonnen, link in bio, link im profil, link im kommentar, klick, klicke, klicken sie, hier klicken, auf den link, schreib mir, schreibt mir, pn, dm, per whatsapp, whatsapp, telegram, signal gruppe, verdien*, nebenverdienst, passives einkommen, von zuhause, von zu hause, invest*, bitcoin, krypto*, trading, rendite, kredit, sofortkredit, ohne schufa, gratis, kostenlos*, follower, jetzt zugreifen, nur heute, rabattcode, gutscheincode, code, geschenkt, gutschein*, geschenkkarte*, 000 %, pro woche, pro tag, im monat, garantiert, hacker, geld zurückholen, spezialist, konto bestätigen, verifizier*, bestätigen sie, konto gesperrt, wird gesperrt, ihr konto, zollgebühr, paket wartet, support team, kundendienst hier, offizieller support, abnehm*, potenz, heisse, singles""",
        "en": """winner*, you won, you've won, you have won, congratulations you, selected, claim your, claim now, link in bio, link in my, click, click here, tap the link, dm me, dm us, inbox me, message me, text me, whatsapp, telegram, earn*, passive income, work from home, from home, invest*, bitcoin, btc, crypto*, forex, trading, trader, returns, profit, loan*, bad credit, free, giveaway, followers, limited time, act now, hurry, promo, discount code, gift card*, voucher, 000%, per week, per day, a week, guaranteed, hacker*, recover*, recovery expert, helped me recover, verify your, confirm your, account suspended, will be suspended, suspended, customs fee, parcel is waiting, support team, official support, weight loss, singles, hot, onlyfans, seed phrase, wallet, password, pin""",
    },
    "insults": {
        "de": """idiot*, trottel*, depp*, deppen, arsch*, arschloch, arschlöcher, wichser*, hurensohn*, hurensöhne, schlampe*, fotze*, missgeburt*, penner*, versager*, dumm*, blöd*, dämlich*, hirnlos*, hohlkopf*, vollpfosten, volldepp*, vollidiot*, fresse, maul, halt's maul, halt die, halt die klappe, klappe, verreck*, verrecken, drecks*, dreckspack, pack, gesindel, abschaum, scheiss*, scheisse, piss*, verpiss*, fick*, kackn*, ratten, ratte, schweine, sau, kleiner, kleine, mädchen, püppchen, schätzchen, süsse, mausi, weib, weiber, tussi, affe*, clown*, nichtskönner, opfer, spasti, behindert*, mongo, krank im kopf, hässlich*, fett*, strohdumm, zurückgeblieben, sonderschul*, loser, null, nullen, faules, faule""",
        "en": """idiot*, moron*, stupid, dumb*, thick, bitch*, cunt*, scum*, wanker*, twat*, prick*, dick*, dickhead*, arse*, asshole*, arsehole*, bastard*, shit*, bullshit, fuck*, fucking, f***, loser*, retard*, trash, filth*, vermin, rat, rats, pig*, ape*, monkey*, sweetheart, darling, love, girl, girlie, little girl, ugly, fat, brain*, brainless, brain dead, braindead, braincell*, muppet*, imbecile*, cretin*, numpty, tosser*, knob*, shut up, shut your, get lost, screw you, piss off, lazy, worthless, failure, parasite*, go to hell, rot""",
    },
    "threatens": {
        "de": """weiss wo, weiss, wo, wo du wohnst, wo ihr wohnt, wo ihr sitzt, wo ihr parkt, finde dich, finde euch, finden dich, finden euch, komme vorbei, komm vorbei, kommen vorbei, komm ich, besuch ab, besuchen, statte, wirst schon sehen, werdet schon sehen, werdet ihr sehen, pass auf, passt auf, passt gut auf, bereuen, bereust, brennen, anzünden, abfackeln, feuer, schlagen, schlag, prügel*, zusammenschlagen, fertig machen, mach dich, mach ich euch, kopf ab, messer, knüppel, baseballschläger, bombe, umbringen, tot, sterben, krepier*, heimweg, feierabend, schulweg, deine familie, deine kinder, auflauern, warte auf dich, warten vor, vor der tür, aufhängen, erschiessen, lebensmüde""",
        "en": """know where you, know where she, know where he, where you live, where you park, where you work, find you, find out where, coming for, come for you, come round, coming round, come down there, pay you a visit, watch your, watch yourself, you'll regret, you will regret, regret, you'll see, burn, burning, torch, brick, punch, smash, beat, break your, hurt, knife, bat, bomb, kill*, die, dead, hang, shoot, after work, after your shift, car park, your family, your kids, waiting for you, wait outside, outside your, better hope, better watch, sleep well, not safe, someone should""",
    },
    "exposes": {
        "de": """wohnt in, wohnt im, wohnt am, wohnt bei, seine nummer, ihre nummer, ihre privatnummer, privatnummer, private nummer, hier ihre, hier seine, ihre adresse, seine adresse, privatadresse, heisst die dame, heisst der, ruft sie an, ruft ihn an, ruft alle, macht was draus, schreibt ihr, sein auto, ihr auto, kennzeichen, teilt das, bitte teilen, sucht sie, besucht sie, besucht ihn, gern mal vorbei""",
        "en": """lives at, lives on, lives in, his number, her number, home number, her address, his address, home address, her name is, his name is, real name, full name, give her a, give him a, call her, call him, ring her, ring him, her car, his car, number plate, share this, pass it on, spread, make her famous, make him famous, go say hi, pay her, pay him, drop by, facebook profile, her husband, his wife""",
    },
    "despises": {
        "de": """ausländer*, kanak*, geh zurück, geht zurück, heim, dein land, deutsch lernen, lern deutsch, kein deutsch, mit dem akzent, akzent, kopftuch, muslim*, jude*, juden, zigeuner*, neger*, schwarze*, asylant*, flüchtling*, ossi*, ossis, schwuchtel*, schwul*, tunte, weiber, frauen, herd, küche, quotenfrau, rentner, untermensch*, ungeziefer""",
        "en": """foreigner*, immigrant*, go back, go home, your country, speak english, learn english, proper english, accent, muslim*, jew*, gypsy, gypsies, black, asian, indian, indians, paki*, women, woman, kitchen, diversity, diversity hire, faggot*, gay, queer, tranny, boomers, subhuman, deport*, third world""",
    },
    "negates": {
        "de": """nicht, nich, net, ned, ni, nöd, ned, nit, kein, keine, keinen, keiner, keinem, nie, niemals, nichts, nix, niemand, ohne, nirgends, kaum, weder""",
        "en": """not, no, never, none, nobody, nothing, nowhere, without, don't, doesn't, didn't, isn't, wasn't, aren't, won't, wouldn't, hasn't, haven't, can't, cannot, couldn't, nor, neither, dont, doesnt, didnt, aint, ain't""",
    },
    "you": {
        "de": """ihr, euch, euer, eure, euren, eurem, eurer, sie, ihnen, ihre, ihrem, ihren, ihrer, du, dir, dich, dein, deine, deinen, deiner, enk, eich, eier, dei, di, eu, sig""",
        "en": """you, your, yours, you're, you've, you'll, u, ur, ye, yous, youse, y'all, yourself, yourselves, guys, folks, lads, team, ya""",
    },
    "me": {
        "de": """ich, mir, mich, mein, meine, meinen, meinem, meiner, wir, uns, unser, unsere, i, mi, mia, ma, meim, meiner, bei mir, hab, habe""",
        "en": """i, me, my, mine, i'm, i've, i'd, i'll, we, us, our, we're, we've, im, ive""",
    },
    "greets": {
        "de": """hallo, guten tag, guten abend, sehr geehrte*, moin, servus, grüezi, grüss gott, hi, hey, liebes, liebe, lieber, tach, hoi, mfg, grüsse, gruss, lg, freundlichen grüssen, hochachtungsvoll, mit freundlichen""",
        "en": """hello, hi, hiya, dear, hey, good morning, good afternoon, good evening, regards, kind regards, best wishes, sincerely, yours, to whom, morning, howdy, g'day, alright""",
    },
    "pleases": {
        "de": """bitte, bittschön, bidde, wäre nett, wäre super, wäre toll, gern, gerne, würde mich freuen, entschuldigung, sorry, verzeihung, falls möglich""",
        "en": """please, pls, plz, would be great, would be lovely, if possible, sorry to, kindly, if you could, grateful if, appreciate it if, thanks in advance""",
    },
    "staff": {
        "de": """mitarbeiter*, mitarbeiterin, kollege*, kollegin, team, techniker*, monteur*, fahrer*, fahrerin, zusteller*, bote, schaffner*, berater*, beraterin, dame, herr, frau, hotline, filiale, service, kundendienst, support, schalter, chat, rezeption, zugbegleiter*""",
        "en": """staff, team, agent, engineer*, technician*, driver*, courier*, postie, conductor, advisor*, adviser*, lady, gentleman, lad, chap, bloke, colleague*, hotline, branch, service, support, chat, desk, reception*, guard""",
    },
    "contrasts": {
        "de": """aber, jedoch, dafür, statt, stattdessen, obwohl, trotzdem, dabei, nur leider, leider, eigentlich, angeblich, während, erst, dann, jetzt""",
        "en": """but, however, instead, although, though, despite, yet, unfortunately, except, only to, meanwhile, then, now, turns out, somehow""",
    },
    "solved": {
        "de": """gelöst, behoben, erledigt, geklappt, funktioniert wieder, geht wieder, läuft wieder, wieder da, wieder online, innerhalb von, in nur, nach 0* minuten, war's erledigt, geklärt, repariert, ersetzt, umgetauscht, erstattet bekommen, gutgeschrieben, pünktlich, angekommen""",
        "en": """resolved, fixed, sorted, solved, works again, working again, back up, back on, back online, within minutes, within an hour, in minutes, in under, replaced, refunded, repaired, replied in, arrived early, on time, early, ahead of, turned up, sorted it""",
    },
}

_EMOJI: Final[Mapping[str, str]] = {
    "smiles": "😊🙂😀😃😄😁😍🥰😘❤💙💚💜🧡💛🤗👍🙏🎉🥳💪⭐🌟✨🙌😇🤩💕🌻",
    "laughs": "😂🤣😆😅😹😜😉",
    "frowns": "😡🤬😠👎💩🖕😤🤮😒🙄😑😞😔😢😭☹🥶🤡🤦",
    "smirks": "🙃🙄😏👏🤡😒🥴",
    "sparkles": "💰💸🔥🚀💎📈🎁👉👇📲🤑✅💯🏆",
}

_QUESTION_WORDS: Final = {
    "de": "wie|wo|wer|was|wann|warum|wieso|weshalb|wohin|woher|womit|welche\\w{0,2}|wem|wen|wozu|wofür|wia|wos|wann|wieviel|wo isch",
    "en": "how|where|who|what|when|why|which|whose|whom|wheres|whats|hows",
}
_VERBS_FIRST: Final = {
    "de": "kann|kannst|könn\\w{1,4}|könnt\\w{0,3}|gibt?s?|ist|isch|sind|muss|müss\\w{1,4}|darf|dürf\\w{1,3}|geht|gehts|haben|habt|hat|hätte\\w{0,2}|soll|sollte|wird|werden|werdet|wäre|weiss|kennt|gilt|bekomm\\w{0,3}|krieg\\w{0,3}|brauch\\w{0,3}|reicht|bietet|lohnt|zählt|stimmt|macht|kommt|darfs|isses|mag|wisst",
    "en": "do|does|did|is|are|was|were|can|could|will|would|should|shall|has|have|had|may|might|any|anyone|anybody|am",
}
_GAP: Final = r"(?: \S{1,30}){0,3} "


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a text speaks for something: sign -> how strongly, 0..1, and the words in which it was seen."""

    strengths: Mapping[str, float]
    seen: Mapping[str, str]


def read(text: str, locale: str, *, channel: str = "") -> Reading:
    """Return the signs in a text that is written in this language."""
    text = text[:LONGEST]
    plain = " ".join(re.sub(r"[’`´ʼ]", "'", text).casefold().split())
    plain = re.sub(r"\d{1,20}", "0", plain)
    strengths: dict[str, float] = {}
    seen: dict[str, str] = {}
    for name, pattern in _PATTERNS[locale].items():
        found = [one.group() for one, _ in zip(pattern.finditer(plain), range(MOST_COUNTED), strict=False)]
        if found:
            strengths[name] = len(found) / MOST_COUNTED
            seen[name] = found[0]
    strengths |= _shape(text, plain, locale, channel)
    strengths |= _together(strengths)
    return Reading(strengths, seen)


def _shape(text: str, plain: str, locale: str, channel: str) -> dict[str, float]:
    """Return what is seen without knowing a word: marks, length, who is spoken to, how it is typed."""
    words = plain.split()
    letters = [sign for sign in text if sign.isalpha()]
    big = sum(1 for word in text.split() if len(word) > 3 and word.isupper())
    questions = plain.count("?")
    sentences = [part.strip() for part in re.split(r"[.!?…\n:;–]{1,9}", plain) if part.strip()]
    found = {
        "question_mark": min(1.0, questions / 2),
        "ends_asking": float(plain.rstrip(" 🙂😊🙏\"'”“)").endswith("?")),
        "asks_and_tells": float(questions > 0 and len(sentences) > 2),
        "many_marks": float(bool(re.search(r"[!?]{2,9}", plain))),
        "exclamation": min(1.0, plain.count("!") / 2),
        "dots": float("…" in plain or "..." in plain),
        "asking_word_first": _share(sentences, _FIRST[locale]),
        "verb_first": _share(sentences, _VERB[locale]),
        "shouts": min(1.0, big / 2) if big < len(words) or len(letters) < 4 else 1.0,
        "quotes": float(bool(re.search(r"[\"„“”«»]", text)) or plain.count("'") > 3),
        "handle": float("@" in plain),
        "starts_with_handle": float(plain.startswith(("@", ".@"))),
        "hashtag": float("#" in plain),
        "link": float(
            bool(re.search(r"https?:|www\.|\b[a-z0-9-]{2,40}\.(?:example|com|de|net|org|io|ly|at|ch)\b", plain))
        ),
        "number": min(1.0, len(re.findall(r"0", plain)) / 4),
        "short": float(len(words) < 9),
        "long": float(len(words) > 35),
        "many_sentences": float(len(sentences) > 3),
        "lower_case": float(text[:1].islower() or text == text.lower()),
        "mail": float(channel == "mail"),
        "page": float(channel in {"facebook", "instagram"}),
        "blog": float(channel in {"blog", "rss"}),
    }
    found |= {name: min(1.0, sum(text.count(one) for one in marks) / 2) for name, marks in _EMOJI.items()}
    return {name: strength for name, strength in found.items() if strength}


def _together(strengths: Mapping[str, float]) -> dict[str, float]:
    """Return what only two signs together say: praise for a failure is irony, a failure without a question a request."""

    def has(*names: str) -> bool:
        return any(name in strengths for name in names)

    failing = has("fails", "goes_on")
    addressed = has("handle", "mail") or has("you")
    asking = has("question_mark", "asks", "asks_around", "ends_asking")
    angry = has("scolds", "demands", "exclaims")
    found = {
        "praise_of_failure": has("praises", "thanks", "ironic") and failing,
        "praise_alone": has("praises", "thanks") and not failing and not angry and not asking,
        "failure_unasked": failing and not asking and not angry,
        "failure_asked": failing and asking,
        "failure_to_nobody": failing and not addressed,
        "failure_of_mine": failing and has("me"),
        "asked_nicely": asking and not angry and not has("insults"),
        "asked_angrily": asking and angry,
        "angry_at_you": angry and has("you", "handle"),
        "angry_at_nobody": angry and not addressed,
        "rude_to_you": has("insults", "despises") and has("you"),
        "threat_to_you": has("threatens") and has("you"),
        "lure_with_way": has("lures") and (has("link", "sparkles") or strengths.get("lures", 0) > 0.5),
        "addressed": addressed,
        "to_nobody": not addressed,
        "calm_to_nobody": not addressed and not failing and not asking and not angry,
        "not_about_me": not has("me") and not addressed,
        "question_to_you": asking and addressed,
        "money_and_anger": has("money") and angry,
        "money_and_failure": has("money") and failing,
        "pressed_and_failing": has("presses") and failing,
        "staff_praised": has("staff") and has("praises", "thanks"),
        "staff_scolded": has("staff") and angry,
    }
    return {name: 1.0 for name, is_so in found.items() if is_so}


def _share(sentences: list[str], pattern: re.Pattern[str]) -> float:
    return 1.0 if any(pattern.match(sentence) for sentence in sentences) else 0.0


def _pattern(listed: str) -> re.Pattern[str]:
    phrases = sorted({" ".join(one.split()) for one in listed.split(",")} - {""}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_phrase, phrases))})(?!\w)")


def _phrase(listed: str) -> str:
    whole = re.escape(listed)
    return whole.replace(r"\ \*\ ", _GAP).replace(r"\*", r"\w{0,20}").replace(r"\ ", " ")


_OPENING: Final = (
    r"(?:@\S{1,60} |(?:und|aber|na|oder|also|hallo|hi|hey|so|and|but|or|ok|okay|sorry|um|please)[ ,]{1,2}){0,3}"
)
_PATTERNS: Final = {
    locale: {name: _pattern(listed[locale]) for name, listed in _PHRASES.items()} for locale in ("de", "en")
}
_FIRST: Final = {locale: re.compile(rf"{_OPENING}(?:{words})\b") for locale, words in _QUESTION_WORDS.items()}
_VERB: Final = {locale: re.compile(rf"{_OPENING}(?:{words})\b") for locale, words in _VERBS_FIRST.items()}

NAMES: Final = {
    "asks_around": _l("asks whether anybody knows"),
    "asks": _l("a question by its words"),
    "wants_told": _l("asks for help or an answer"),
    "fails": _l("something does not work"),
    "goes_on": _l("for some time, or again"),
    "presses": _l("it is urgent"),
    "money": _l("it is about money"),
    "demands": _l("a demand or a consequence"),
    "scolds": _l("scolding words"),
    "exclaims": _l("a question that is a reproach"),
    "ironic": _l("words that are often ironic"),
    "thanks": _l("thanks"),
    "praises": _l("praise"),
    "sells": _l("an advertisement or a job"),
    "reports": _l("news about the business"),
    "chats": _l("told in passing"),
    "lures": _l("lures with money or a link"),
    "insults": _l("an insult"),
    "threatens": _l("a threat"),
    "exposes": _l("says where somebody lives or can be rung"),
    "despises": _l("words against a group of people"),
    "question_mark": _l("a question mark"),
    "ends_asking": _l("ends with a question"),
    "asking_word_first": _l("begins with a question word"),
    "verb_first": _l("begins as a question does"),
    "solved": _l("something was solved"),
    "praise_of_failure": _l("praise for what does not work"),
    "failure_unasked": _l("something does not work, and nothing is asked"),
    "failure_asked": _l("asks about what does not work"),
    "praise_alone": _l("praise and nothing else"),
    "angry_at_you": _l("reproaches the company"),
    "rude_to_you": _l("an insult to the reader"),
    "threat_to_you": _l("a threat to the reader"),
    "lure_with_way": _l("lures, and says where to go"),
    "calm_to_nobody": _l("speaks to nobody and wants nothing"),
    "not_about_me": _l("speaks of others"),
    "shouts": _l("capital letters"),
    "many_marks": _l("many marks"),
    "frowns": _l("an angry or sad face"),
    "smirks": _l("a wry face"),
    "smiles": _l("a smile"),
}
"""What signs are called where the desk says why."""
FACES: Final = frozenset(_EMOJI)
"""Signs that say something without a word."""
