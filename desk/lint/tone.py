"""How a draft sounds: blame, shouting, certainties nobody can vouch for, and Sie beside du."""

import re
from collections.abc import Iterator
from typing import Final

from desk.lint.promising import GREETING
from desk.lint.reading import Part, Reading, Sentence

_FLAGS: Final = re.IGNORECASE
FEWEST_GAPS: Final = 3
"""Between the words of what says something by itself."""
Place = tuple[int, int]

_BLAME: Final = re.compile(
    r"\b(?:wären sie|wärst du|wärt ihr) .{3,60}, (?:hätte|wäre|würde|müsste|könnte)\w*\b|, da steht(?:'s| es| das"
    r"| alles)\b|\b(?:passiert|kommt vor|geschieht), wenn (?:man|jemand|sie|du)\b|\bproperly(?: this time)\b"
    r"|\bread (?:it|the \w+) (?:again|properly|carefully)\b|\b(?:everyone|everybody) else (?:\w+ed|found|got|knew"
    r"|managed|understood|read)\b|\balle anderen \w+en\b|\b(?:ihre|deine|your) (?:schlechte|mangelnde|bad|poor|lousy"
    r"|lack of) \w*(?:planung|planning|vorbereitung|preparation|organisation)\b|"
    r"\b(?:hättest du|hätten sie) \w*ge\w+(?:t|en),|\bso (?:behandelt|benutzt|geht|macht|lagert"
    r"|pflegt) man (?:\w+ )?(?:kein\w*|nicht)\b|\b(?:allein|ganz|einzig) (?:ihre|deine) (?:verantwortung|sache"
    r"|schuld|entscheidung)\b|\bwith (?:proper|a little|a bit of|more|due|normal|reasonable) (?:care|attention"
    r"|thought|patience)\b|\b(?:not|hardly|isn't) responsible for (?:your|people|customers)\b|\bsurely you\b"
    r"|\b(?:treat|read|handle|use|look after|follow) (?:it|them|the \w+) .{0,40}\band (?:it|they|this|you) (?:won't"
    r"|wouldn't|will|'ll)\b|\bgilt (?:eben|halt|nun mal) (?:auch )?für\b|\b(?:das )?kleingedruckte\b|\bsmall print\b"
    r"|\bwie oft (?:soll|muss|müssen|sollen)\b|"
    r"\bhätten sie (?!(?:lust|zeit|interesse|gern|noch|vielleicht|die möglichkeit|einen moment)\b).{0,90}(?:\w+t"
    r"|\w+en)\b(?:,| )(?:.{0,20})(?:wäre|hätte|müsste|würde|könnte|gäb)|\bhättest du (?!(?:lust|zeit|interesse|gern"
    r"|noch|vielleicht)\b).{0,90}(?:,| )(?:.{0,20})(?:wäre|hätte|müsste|würde|könnte|gäb)"
    r"|\b(?:sie hätten|du hättest|ihr hättet|hätten sie|hättest du|hättet ihr)\b.{0,80}\b(?:sollen|müssen|können"
    r"|dürfen)\b|\bwenn (?:sie|du|ihr) .{0,60}(?:gelesen|beachtet|befolgt|aufgepasst|zugehört|hingeschaut|hingesehen"
    r"|geschaut|nachgedacht|getan|gemacht|geprüft|gewartet|überprüft|eingehalten) (?:hätten|hättest|hättet|haben"
    r"|hast)"
    r"|\bwer lesen kann\b|\blesen (?:hilft|bildet)\b|\bgesunde[rmn]? menschenverstand|\b(?:selber|selbst) (?:schuld"
    r"|verursacht|verschuldet|zuzuschreiben|eingebrockt)\b|\b(?:ihr|dein|euer|eigenes?) (?:eigene[rs]? )?(?:fehler"
    r"|verschulden|versäumnis|problem|pech|versehen)\b|\b(?:ihre|deine|eigene) (?:eigene )?(?:schuld|nachlässigkeit"
    r"|unachtsamkeit)\b"
    r"|\b(?:bedien|anwender|benutzer|nutzer|user|anwendungs|handhabungs|eingabe)-?fehler\b|\b(?:unsachgemäß\w*"
    r"|fehlbedienung|fahrlässig\w*|leichtsinnig|unachtsam\w*)\b|\bfalsch (?:angewend\w+|anwend\w+|bedien\w+|benutzt?"
    r"|gemacht|eingebaut|verstanden|gelesen|eingegeben|verwendet|aufgebaut|gelagert|behandelt|montiert|gemessen)\b"
    r"|\b(?:sie haben|du hast|ihr habt|haben sie|hast du|habt ihr)\b.{0,60}\b(?:versäumt|übersehen|vergessen"
    r"|ignoriert|missachtet|nicht gelesen|überlesen|verpasst|verschlafen|verschwitzt|nicht aufgepasst|nicht beachtet"
    r"|nicht befolgt|nicht richtig|nicht eingehalten|schlicht|verwechselt|selbst|kaputt)\b"
    r"|\b(?:du warst|sie waren|ihr wart) (?:\w+ ){0,3}(?:zu (?:spät|langsam|ungeduldig|faul|voreilig)|unaufmerksam"
    r"|unvorsichtig|nicht da|schuld)|\b(?:da waren sie|da warst du)\b.{0,20}\bzu spät\b|\b(?:steht|stand|steht's"
    r"|stehen) (?:da |hier )?(?:doch|ja|schließlich|klar|deutlich|ausdrücklich|eindeutig|groß|übrigens|sogar"
    r"|schon)\b|\bsteht (?:\w+ ){0,4}(?:doch|groß und breit|unübersehbar)\b"
    r"|\b(?:wie (?:sie|du) (?:sicher\w*|eigentlich|ja|hätte\w*|wissen müss\w+)|wie man unschwer|hätte man (?:auch )?"
    r"|man hätte|das weiß (?:doch|man)|weiß doch jede[rs]?|jedes kind|logischerweise|sollte (?:\w+ )?klar sein"
    r"|versteht sich (?:ja |eigentlich |doch )?von selbst|eigentlich selbstverständlich|sollte man (?:schon"
    r"|eigentlich|wissen|halt))\b"
    r"|\b(?:bei (?:allen )?anderen (?:kunden|kundinnen|leuten|nutzern)?.{0,20}(?:funktioniert|klappt|geht|läuft"
    r"|gibt es|kein)|sonst hat (?:niemand|keiner|sich)|alle anderen (?:schaffen|können|kunden|haben|bekommen)"
    r"|sie sind (?:der|die) (?:erste|einzige)|du bist (?:der|die) (?:erste|einzige)|andere (?:kunden )?(?:schaffen"
    r"|kriegen|haben (?:damit )?kein))\b"
    r"|\b(?:(?:das )?liegt (?:\w+ ){0,3}(?:an ihnen|an dir|bei ihnen|auf ihrer seite|in ihrer verantwortung)"
    r"|(?:liegt|ist|war)[^.]{0,20} nicht unser (?:fehler|verschulden)|nicht unsere (?:schuld|baustelle)"
    r"|können wir (?:ja )?nichts dafür|dafür können wir nichts|da können wir auch nichts)\b"
    r"|\b(?:offensichtlich|offenbar|anscheinend|wohl|scheinbar|vermutlich) (?:\w+ ){0,3}(?:haben sie|hast du|sie|du"
    r"|nicht) .{0,40}(?:nicht|kein\w*|falsch|überlesen|übersehen|vergessen)|\b(?:haben sie"
    r"|hast du) (?:offensichtlich|offenbar|anscheinend|wohl|scheinbar|ja|halt|eben)\b"
    r"|\b(?:beim )?nächste[sn]? mal (?:\w+ ){0,3}(?:bitte|besser|einfach|vorher|erst|genauer|halt|lieber|früher"
    r"|vielleicht)\b|\b(?:vielleicht|einfach|lieber|besser|bitte|halt|künftig"
    r"|erst) (?:\w+ ){0,5}(?:beim )?nächste[sn]? mal\b"
    r"|\b(?:ein bisschen|etwas|ein wenig|mehr) (?:mehr )?(?:sorgfalt|mitdenken|aufmerksamkeit|geduld) (?:wäre|hätte"
    r"|schadet|hilft|würde)|\beinfach mal (?:lesen|nachdenken|hinschauen|richtig)|\bes ist (?:ja )?nicht so schwer"
    r"|\bso schwer (?:ist|kann) (?:das|es)|\b(?:ohne zu lesen|nicht richtig (?:gelesen|hingeschaut|zugehört)"
    r"|nicht gelesen)\b"
    r"|\b(?:weil|da) (?:sie|du|ihr)\b.{0,80}\b(?:nicht|kein\w*|zu spät|falsch\w*|versäumt|vergessen|ignoriert)\b"
    r"|\bbei (?:richtiger|sachgemäßer|korrekter|normaler|ordnungsgemäßer) (?:anwendung|benutzung|nutzung|handhabung"
    r"|bedienung|pflege|lagerung|verwendung)|\b(?:für|wegen) (?:ihre|deine|ihrer|deiner) (?:\w+ )?(?:vergesslichkeit"
    r"|ungeduld|unachtsamkeit|fehler|tippfehler|dummheit|nachlässigkeit|schlamperei)|\b(?:erst|vorher|mal|richtig"
    r"|in ruhe) (?:\w+ )?(?:lesen|nachdenken|überlegen|informieren|hinschauen|denken)\b|\b(?:ist"
    r"|liegt) (?:das )?(?:leider |dann |allein |ganz )?(?:ihr|dein|euer) (?:eigenes )?(?:problem|pech|fehler|bier)\b"
    r"|\b(?:pech gehabt|das kommt davon|wie oft (?:denn |sollen )?noch|wie bereits (?:mehrfach|dreimal|zweimal)"
    r"|mehrfach erklärt|schon (?:drei|zwei|fünf|hundert)mal|da müssen sie (?:schon|halt|eben)|man muss (?:halt|eben"
    r"|schon)|geht es (?:halt|eben|nun mal)|tja)\b|\b(?:ungelesen|blind) (?:weg)?(?:geklickt|unterschrieben|bestellt"
    r"|gekauft|bestätigt)"
    r"|\b(?:because|since|as) you (?:\w+ ){0,3}(?:didn't|did not|never|failed|haven't|hadn't|forgot|wouldn't"
    r"|wrong\w*|late|ignored|neglected|missed|left|dropped|refused)\b|\b(?:due|down|owing|thanks) to your (?:own "
    r"|late |lack|failure|mistake|error|carelessness|negligence|delay)|\bblame us\b|\b(?:entirely |all "
    r"|solely )?(?:on|at) your (?:side|end)\b(?=.{0,20}$)|\byou (?:did )?(?:tick|agree|sign|accept"
    r"|click)\w* (?:\w+ ){0,4}(?:terms|box|to this|to that|it)|\byour (?:typo|carelessness|impatience|forgetfulness"
    r"|choice of)\b|\bonly (?:breaks?|happens?|fails?|goes wrong) (?:if|when|because)\b|\b(?:tough luck|hard luck"
    r"|bad luck, but|as (?:i|we) (?:have|'ve) (?:already )?(?:told|explained|said)|how many times|for the (?:third"
    r"|fourth|fifth|umpteenth) time|it's (?:quite|really|very|hardly|pretty) (?:simple|obvious|self-explanatory"
    r"|straightforward)|should be obvious|pretty obvious|goes without saying)\b"
    r"|^wer (?:zu spät|nicht|so|sein|das|die|den|seine|ohne|sich|nie)\b|\b(?:hättest du|hätten sie) (?:\w+ )?(?:mal"
    r"|doch|halt|vorher|besser|eben|bloß|nur)\b|\b(?:du|sie|ihr) (?:hast|haben|bist|sind|warst|waren"
    r"|habt) (?:\w+ ){0,2}(?:halt|eben|nun mal|einfach|wohl|ja wohl|schlicht|offenbar|offensichtlich|anscheinend)\b"
    r"|\b(?:selbst|selber) (?:dafür |schuld|daran |verantwortlich|zuständig)|\b(?:anleitung\w*|hinweise?|warnung\w*"
    r"|agb|pflegehinweise?|beschreibung|bedienungsanleitung|packungsbeilage|bedingungen"
    r"|vorgaben) (?:\w+ ){0,3}nicht (?:richtig )?(?:gelesen|beachtet|befolgt|eingehalten|verstanden|beherzigt)"
    r"|\bfalsche[nsr]? \w+ (?:gewählt|bestellt|benutzt|angegeben|eingegeben|verwendet|genommen|gekauft|gedrückt"
    r"|eingelegt)|\bkein anderer\b|\bniemand sonst\b|\bbevor (?:sie|du) (?:sich |dich )?(?:beschwer\w*|mecker\w*"
    r"|schreib\w*|schimpf\w*|motz\w*)|\bvor dem (?:bildschirm|rechner|gerät)\b|\bwenn man .{0,50}(?:nicht |falsch"
    r"|fallen|ständig|einfach|ohne |zu (?:viel|lange|heiß|spät|fest)).{0,60}\b(?:dann|nun mal|halt|eben|ist|geht"
    r"|passiert|darf|kann|braucht|muss)\b|\bmit (?:etwas|ein bisschen|ein wenig) (?:mehr )?\w+ (?:wäre|hätte)"
    r"|\b(?:künftig|zukünftig|in zukunft) (?:\w+ ){0,3}(?:genauer|besser|richtig|sorgfältiger|vorher|die|auf)"
    r"|\b(?:genauer|sorgfältiger|aufmerksamer|gründlicher|richtig|besser) (?:hinsehen|hinschauen|lesen|zuhören"
    r"|aufpassen|hingeschaut|gelesen)|\bgelesen (?:haben sie|hast du)\b|\b(?:wir|uns) (?:haften"
    r"|übernehmen) (?:\w+ ){0,4}(?:nicht|keine) .{0,30}(?:fehler|dummheit|unachtsamkeit|fehlbedienung)"
    r"|\b(?:unter der dusche|im regen|nicht zum|nicht dafür gedacht|kein spielzeug|selbsterklärend"
    r"|für jeden verständlich|eigentlich logisch|kinderleicht)\b|\bwas (?:haben sie|hast du) (?:denn )?erwartet\b"
    r"|\bein blick (?:in|auf) .{0,50}(?:hätte|genügt|reicht|schadet|hilft)"
    r"|\bthat's what (?:you get|happens)\b|\bthis is what (?:you get|happens)\b|\byou(?:'ve| have)? (?:clearly"
    r"|obviously|evidently|plainly|picked|chose|ordered|entered|gave|used|put|bought|typed|pressed|selected|inserted"
    r"|installed|clicked|signed)(?: \w+){0,3} (?:the )?(?:wrong|incorrect)|\byou(?:'ve| have) (?:clearly|obviously"
    r"|evidently|plainly|just|simply)\b|\b(?:can't|cannot|can not) be (?:held )?(?:responsible|liable|blamed)\b"
    r"|\b(?:can't|cannot) expect\b|\b(?:are|is) there for a reason\b|\bnobody (?:forced|made|asked) you\b"
    r"|\bin (?:bold|black and white|plain english|capital letters)\b|\byou (?:were|weren't|are|arrived|came"
    r"|turned up|rang|called|booked|ordered|sent|wrote|applied|missed) (?:\w+ ){0,4}(?:too late|late|careless|rude"
    r"|impatient|not listening|paying attention)|\bnot (?:read|follow|check|listen|pay\w*|read\w*|follow\w*) (?:the"
    r"|to|attention|instructions|our|your|signs)|\bwhat did you expect\b|\b(?:serves you|you only have yourself"
    r"|only yourself to|take (?:some |more )?responsibility|look more carefully|be more careful|more careful"
    r"|think before|had you|should know better|learn to|it's your responsibility|your responsibility)\b"
    r"|\b(?:a (?:quick )?(?:look|glance) at)\b.{0,40}\b(?:would have|would've|will tell|saves?)"
    r"|\banyone who (?:reads|has read|can read|looks)|\bmost people (?:know|read|manage|realise|understand|can"
    r"|would)|\b(?:isn't|not) (?:designed|meant|supposed|made) (?:for|to) .{0,30}(?:dropp|shower|pool|thrown|treat"
    r"|abuse|on the roof|throw)"
    r"|\bif you(?:'d| had) (?!(?:like|prefer|rather|love|want|asked us|any|a moment)\b)"
    r"|\bhad you (?!(?:in mind)\b)\w+|\byou (?:should|could|ought to|might)(?:'ve| have) \w+|\byou should know\b"
    r"|\byou (?:clearly|obviously|simply|evidently|apparently|must have|seem to have|just) (?:\w+ ){0,2}(?:didn't"
    r"|did not|haven't|have not|failed|ignored|missed|forgot|skipped|misread|overlooked|don't|entered|got|used|put"
    r"|dropped|mixed|not|mis\w+)"
    r"|\byou (?:neglected|failed|forgot|ignored|didn't (?:bother|read|follow|pay|check|listen|look|notice|take)"
    r"|did not (?:bother|read|follow|check)|skipped|misread|overlooked|chose to ignore|couldn't be bothered|left it"
    r"|broke|waited too|can't have read|never (?:read|bothered|checked|told|answered))\b"
    r"|\b(?:user error|operator error|human error on your|pilot error|your own (?:fault|doing|mistake|making"
    r"|carelessness|responsibility|lookout)|your (?:mistake|error|carelessness|oversight|negligence)"
    r"|it's carelessness|carelessness|own fault|self-inflicted|down to you\b|on you,? (?:i'm|not)|common sense|rtfm"
    r"|misuse|mishandl\w+|improper\w*)\b|\b(?<!not )(?<!n't )your fault\b"
    r"|\b(?:perhaps|maybe|possibly|try|next time|in future|might want to|do) (?:\w+ ){0,12}next time\b"
    r"|\bnext time,? (?:\w+ ){0,4}(?:please|read|check|measure|follow|try|look|order|make sure|maybe|perhaps|ask|pay"
    r"|think|remember)\b|\bin future,? (?:please )?(?:read|check|measure|follow|pay attention)|\b(?:when people"
    r"|some people|people who|customers who) (?:\w+ ){0,2}(?:click|don't|can't|won't|skip|ignore|leave|buy|insist"
    r"|read)|\bwithout (?:reading|thinking|looking|checking)\b"
    r"|\b(?:nobody|no one|no-one|none of our (?:other )?customers|everyone|everybody|every other customer"
    r"|other customers|all our other|the rest of our) (?:else )?(?:\w+ ){0,3}(?:manage[sd]?|complain\w*|seems"
    r"|has(?: had)? (?:a|any|this|that|no)|ha[sd] (?:this|any|a|no)|copes?|understand\w*)\b|\byou(?:'re"
    r"| are) the (?:only|first) (?:one|person|customer)|\b(?:not|hardly|isn't|is not"
    r"|wasn't) (?:really )?our (?:problem|fault|doing|issue)\b|\bwe can't help it if\b|\bif you (?:insist|choose"
    r"|will|can't be bothered|don't read|didn't read|ignore|leave|had)\b"
    r"|\b(?:says|states|stated|written|printed|says so) (?:quite |very |so |it )?(?:clearly|plainly|right there"
    r"|in bold|in black and white|in capital|on (?:the|page)|in big)|\bclearly (?:states|says|stated|written|marked"
    r"|labelled)|\b(?:as (?:clearly )?(?:stated|explained|mentioned) (?:clearly|several times|already|more than once"
    r"|in bold)|as any\w* (?:knows|would|can)|it's not (?:rocket science|that hard|difficult)|not rocket science"
    r"|how hard can|read the (?:instructions|manual|label|description|small print)|pay (?:more )?attention"
    r"|a child could|used (?:it )?(?:incorrectly|wrongly|wrong)|(?:incorrect|wrong) use)\b"
    r"|\bit's (?:all )?(?:in|on) the (?:manual|box|label|tin|packaging|leaflet|instructions|small print|confirmation)\b"
    r"|\b(?:you'd know|would have known|should have (?:known|noticed|seen|checked|read)|bother(?:ed)? to (?:read"
    r"|look|check|ask)|we did (?:say|warn|tell|mention)|we (?:clearly )?(?:warned|told) you"
    r"|(?<!what )you were (?:told|warned"
    r"|informed)|when used (?:properly|correctly|as)|works? (?:fine|perfectly) (?:for everyone|when used|if you)"
    r"|most (?:adults|customers) |even a child|any fool|hardly our|whose fault|you of all people)"
    r"|\b(?:sie wurden|du wurdest) (?:\w+ ){0,3}(?:informiert|hingewiesen|gewarnt)|\b(?:haben wir"
    r"|hatten wir) (?:doch|ja|ihnen|dir) .{0,50}(?:gesagt|geschrieben|erklärt|mitgeteilt|hingewiesen)"
    r"|\b(?:wie|so) (?:es )?(?:in|auf) der (?:anleitung|packung|verpackung|gebrauchsanweisung) (?:steht|beschrieben)"
    r"|\b(?:sowas|so ?etwas|so was|das|dergleichen) \w+t man (?:\w+ ){0,3}(?:vor|vorher|zuerst|erst|doch|eben|halt"
    r"|nicht)\b"
    r"|\b(?:that's|this is|it's) something (?:one|you|people) \w+|\bone (?:\w+s) (?:\w+ ){0,3}(?:before|first)\b"
    r"|\b(?:wärst du|wären sie|wärt ihr) (?:\w+ ){0,5}(?:gekommen|gewesen|gegangen|losgefahren|geblieben)"
    r"|\b(?:niemand|keiner|kein mensch) (?:außer|sonst|anders)\b|\bnobody else\b|\b(?:nachdem|weil|da) (?:sie|du"
    r"|ihr) .{0,60}(?:nicht"
    r"|kein\w*|trotz\w*|zu spät|versäumt|vergessen) |\b(?:verstreichen|liegen|verfallen|ablaufen) (?:ge)?lassen\b"
    r"|\bnächste[sn]? mal (?:\w+ ){1,5}(?:sein|kommen|lesen|prüfen|messen|losfahren|fragen|planen|bestellen"
    r"|aufpassen|denken)\b"
    r"|\bbei (?:sachgemäßem|richtigem|korrektem|normalem|ordnungsgemäßem|bestimmungsgemäßem) (?:gebrauch|umgang"
    r"|einsatz)"
    r"|\b(?:maybe|perhaps|try) (?:try )?(?:reading|checking|measuring|looking|listening|following|arriving|asking"
    r"|thinking|read|check"
    r"|measure|set off|leave|arrive) \w+|\b(?:kommt|passiert) (?:\w+ ){0,2}(?:davon|dabei raus), wenn\b"
    r"|\bwer (?:sein|seine|seinen|ihr|ihre|das|die|den) .{3,60}(?:lässt|stellt|legt|wirft),"
    r"|\b(?:your|the customer's) (?:doing|inattention|impatience|negligence)\b|\bif only you\b|\byou (?:can't"
    r"|cannot) (?:just |simply )?\w+ .{3,60} and (?:then )?(?:expect|complain|be surprised)"
    r"|\bdafür können wir (?:\w+ ){0,3}nichts\b|\bkönnen wir (?:\w+ ){0,3}nichts dafür\b|\bwenn (?:sie|du|ihr"
    r"|man) .{0,60}\bge\w+(?:t|en) (?:hätten|hättest|hätte|hättet),"
    r"|\bnicht (?:ohne grund|umsonst|zum spaß)\b|\bwie oft (?:soll|muss|müssen|sollen)\b|\b(?:sie|du|ihr) (?:waren"
    r"|warst|wart) (?:ja|halt|eben|doch|leider|nun mal) nicht\b"
    r"|\b(?:i don't know|no idea|who knows|keine ahnung|weiß nicht|möchte nicht wissen) (?:what"
    r"|how) (?:on earth )?you\b|\b(?:was|wie) (?:sie|du) (?:damit|da) (?:\w+ )?(?:gemacht|angestellt|getrieben)\b"
    r"|\bif (?:people|customers|someone|one|folk) (?:don't|doesn't|won't|can't|insist|keep|leave|ignore)\b"
    r"|\bothers? (?:\w+ )?(?:manage|cope|find|get|have no)\b|\bandere (?:\w+ )?(?:finden|schaffen|kommen|bekommen"
    r"|kriegen|können)\b"
    r"|\b(?:fehler|mistake|fault|error|schuld|problem|versäumnis) (?:\w+ )?(?:lies?|liegt|lag|is|was|ist"
    r"|war) (?:\w+ )?(?:entirely |ganz |allein |eindeutig |wohl |squarely |all )?(?:yours|with you|on your side"
    r"|bei ihnen|bei dir|ihre[rs]?|deine[rs]?)\b"
    r"|\b(?:a little|a bit of|some|more) (?:more )?(?:patience|care|attention|common sense|thought|forethought"
    r"|courtesy|planning)\b|\b(?:geduld|höflichkeit|weitsicht|planung|umsicht|vorsicht) (?:wäre|hätte|schadet|hilft"
    r"|würde)\b"
    r"|\b(?:it's|is|was) all (?:\w+ )?(?:explained|written|described|there|covered) \w+|\b(?:in"
    r"|on) the \w+ (?:you were|we) (?:given|sent|gave)\b|\b(?:sie|du|ihr) (?:wollten|wolltest|wolltet) (?:es "
    r"|das )?(?:ja|doch|unbedingt|nicht hören)\b"
    r"|\b(?:not|nicht) our (?:doing|department's fault)\b|\bgeliefert wie bestellt\b|\bas ordered\b"
    r"|\bwenn man nicht\b|\b(?:must have|must've|have probably|probably) (?:dropped|broken|bent|spilled|lost"
    r"|forgotten|pressed|overloaded|ignored|missed)\b"
    r"|\b(?:sie haben|du hast|haben sie|hast du) (?:\w+ ){0,4}(?:wohl|sicher|bestimmt|vermutlich|wahrscheinlich"
    r"|selbst|eigenhändig) (?:\w+ ){0,4}(?:fallen|verloren|verlegt|verbogen|gelöscht|überladen|kaputt)\w*"
    r"|\b(?:ihre|deine) ungeduld\b|\bsonst beschwert\b|\bandere kriegen\b|\bmit verlaub\b",
    _FLAGS,
)
_NO_BLAME: Final = re.compile(
    r"\b(?:nobody|no one|niemand|keiner)\b.{0,30}\b(?:reads? (?:along|it|this|that|what)|(?:can|will) (?:see|read)"
    r"|sees|liest|mitlesen|sehen|sieht)\b|"
    r"\b(?:we|i|wir|ich) (?:ask|beg|bitten?|danken?|thank)\b.{0,40}\b(?:patience|geduld|understanding|verständnis)\b"
    r"|\b(?:um|für) (?:\w+ ){0,2}(?:geduld|verständnis)\b|\b(?:for|with) your patience\b|"
    r"\b(?:nicht|keineswegs|nie|keine|weder) (?:\w+ ){0,3}(?:ihre? |deine? )?(?:schuld|fehler|verschulden)\b"
    r"|\b(?:schuld|fehler) (?:lag|liegt|war|ist) (?:nicht bei ihnen|nicht bei dir|bei uns|unser\w*|unserer)"
    r"|\b(?:wir hätten|ich hätte|unser fehler|unser versehen|unsere schuld|tut (?:mir|uns) leid,? (?:dass"
    r"|das hätten))\b"
    r"|\b(?:not your fault|isn't your fault|wasn't your fault|never your fault|no fault of yours"
    r"|(?<!not )(?<!n't )(?<!hardly )our (?:fault|mistake|error|bad|oversight|carelessness)|we should have"
    r"|we should've|my fault|my mistake|that's on us|on us\b|it's on us|nothing you did|you did nothing wrong"
    r"|you (?:didn't|did not) do anything wrong|bitte nicht falsch verstehen|if you had any|if you had a chance"
    r"|read the label for us|forgive us)\b",
    _FLAGS,
)
_REASON: Final = re.compile(r"^(?:since|because|as|weil|da|nachdem)\b", _FLAGS)


def blame(reading: Reading) -> Iterator[Place]:
    """Yield where the draft gives the customer the blame; what goes on with it in the next sentence is the same."""
    before = None
    for sentence in reading.sentences:
        found = _BLAME.search(sentence.words)
        if found is None or _NO_BLAME.search(sentence.words):
            continue
        if sentence.is_question and not re.search(
            r"\b(?:did you (?:even|actually)|haben sie (?:überhaupt|denn)|hast du (?:überhaupt|denn)|warum haben sie"
            r"|why didn't you|wieso|wie oft|surely|eigentlich|next time|nächste[sn]? mal)\b",
            sentence.words,
            _FLAGS,
        ):
            continue
        if before is None or reading.after(before) is not sentence:
            yield _around(sentence, found)
        before = sentence


def _around(sentence: Sentence, found: re.Match[str]) -> Place:
    """Return the whole sentence, or from where what leads up to it ends to where another thing begins."""
    clauses = sentence.clauses
    at = sentence.start + found.start()
    inside = next((n for n, clause in enumerate(clauses) if clause.start <= at < clause.end), 0)
    here = clauses[inside]
    if _REASON.match(here.words) and inside + 1 < len(clauses):
        last = here
        for clause in clauses[inside + 1 : -1]:
            if not _INFINITIVE.search(clause.words):
                break
            last = clause
        return here.start, last.end
    start = _beginning(sentence, inside)
    for number in range(inside, len(clauses) - 1):
        here, behind = clauses[number], clauses[number + 1].words
        if (
            sentence.start + found.end() <= here.end
            and _is_whole(here.words)
            and not _LEADS_ON.match(here.words)
            and _apart(behind)
            and not _BLAME.search(behind)
        ):
            return start, here.end
    is_said_whole = start == sentence.start or ":" in sentence.words[: start - sentence.start]
    return start, sentence.end if is_said_whole else clauses[-1].end


def _beginning(sentence: Sentence, inside: int) -> int:
    """Return where that begins which the clause at a place belongs to."""
    clauses = sentence.clauses
    for number in range(inside, 0, -1):
        before, here = clauses[number - 1], clauses[number]
        if _REGRET.match(before.words) and _BUT.match(here.words):
            continue
        gap = sentence.words[before.end - sentence.start : here.start - sentence.start]
        leads_up = (
            (":" in gap and not _BLAME.search(before.words))
            or GREETING.search(before.words)
            or _ASIDE.fullmatch(before.words)
        )
        if leads_up or (_is_whole(here.words) and _is_whole(before.words) and not _BOUND.match(before.words)):
            return here.start
    return sentence.start


_INFINITIVE: Final = re.compile(r"\b(?:zu \w+|to \w+|\w+zu\w+)\b", _FLAGS)
_REGRET: Final = re.compile(r"(?:sorry|leider|tut mir leid|excuse me)$", _FLAGS)
_BUT: Final = re.compile(r"(?:aber|but)\b", _FLAGS)
_ASIDE: Final = re.compile(
    r"(?:ehrlich gesagt|honestly|well|tja|na ja|naja|to be honest|leider|unfortunately|danke|thanks|ach|oh)(?: \w+)?",
    _FLAGS,
)
_BOUND: Final = re.compile(r"(?:if|had|hätten|hättest|wenn|leaving)\b", _FLAGS)
_LEADS_ON: Final = re.compile(
    r"(?:if|had|hätten|hättest|wenn|leaving|wer|anyone|nachdem|since|because|as|weil|da|maybe if|mit|bei)\b"
    r"|.{0,20}\b(?:had|hätten|hättest)\b",
    _FLAGS,
)


def _apart(words: str) -> bool:
    """Tell whether a clause after the blame is another sentence: neither bound to it by its first word nor its echo."""
    return (
        _is_whole(words)
        or re.match(r"(?:nicht|not|so|also|backups|daher|deshalb|jetzt|now)\b", words, _FLAGS) is not None
    )


def _is_whole(words: str) -> bool:
    """Tell roughly whether a clause says something by itself: it names who, and is no short piece."""
    return (
        re.search(r"\b(?:ich|wir|sie|du|er|es|das|der|die|i|you|we|it|he|she|they|that|this|there)\b", words, _FLAGS)
        is not None
        and words.count(" ") >= FEWEST_GAPS
    )


# Shouting -----------------------------------------------------------------------------------------------------------
_ACRONYM: Final = re.compile(
    r"USB|WLAN|LAN|LTE|SIM|ESIM|HTTP|HTTPS|HTML|FAQ|PDF|ID|IBAN|BIC|SEPA|TV|HD|UHD|DVD|CD|LED|LCD|OLED|SMS|MMS|VPN"
    r"|DNS|IP|NFC|GPS|SSD|HDD|RAM|CPU|GPU|PC|URL|API|DM|DMS|PM|AGB|DSGVO|GDPR|EU|UK|USA|US|DE|AT|CH|AM|PM|UTC|CET"
    r"|MEZ|MESZ|OK|KFZ|ÖPNV|DHL|UPS|DPD|GLS|TÜV|ADAC|ICE|IC|RE|RB|ZOB|WC|CO|NGO|HU|AU|VIP|VAT|MwSt|KW|QR|PIN|PUK"
    r"|TAN|CVC|CVV|EAN|ISBN|MTU|DGS|GMBH|AG|KG|BGB|PS|VS|LG|MFG|VG|DIY|ETA|EOD|COB|FYI|ASAP|TBA|TBC|NHS|DVLA|HMRC"
    r"|MOT|ZIP|SPF|KN95|FFP2|RGB|XL|XXL|XS|HDMI|DSL|JSON|XML|CSV|CSS|MAC|ISO|CE|FM|DAB|AC|DC|JPG|PNG|MP|GIF|RSVP"
    r"|RIP|BBQ|IT|HR|PR|UX|UI|CEO|CTO|OS|iOS|WPA|WPA2|WEP|SSID|DVB|SOC|JIRA|NAS|POP|IMAP|SMTP|SSL|TLS|ICH|I|A|O"
)
_CAPS: Final = re.compile(r"(?<![\w./@-])[A-ZÄÖÜ][A-ZÄÖÜẞ'-]*[A-ZÄÖÜẞ'](?![\w./@])|(?<![\w./@-])I(?:'M)?(?!\w)")


def shouting(reading: Reading) -> Iterator[Place]:
    """Yield what is written in capitals, or with runs of signs."""
    for sentence in reading.sentences:
        words = sentence.words
        caps = [
            one
            for one in _CAPS.finditer(words)
            if not _ACRONYM.fullmatch(one[0].strip("'-")) and len(one[0].strip("'-")) > 1
        ]
        letters = sum(letter.isalpha() for letter in words)
        upper = sum(letter.isupper() for letter in words)
        has_runs = re.search(r"[!?]{3,}|\?!|!\?|!{2,}|\?\?", words) is not None
        long = [one for one in caps if len(one[0]) > 3]  # noqa: PLR2004 -- shorter ones are mostly letters for words
        if has_runs or (letters and upper / letters > 0.6 and len(caps) > 1 and long):  # noqa: PLR2004 -- most of it
            yield sentence.start, sentence.end
        elif len(caps) > 1 and (long or len(caps) > 2):  # noqa: PLR2004 -- three short ones
            yield from _runs(sentence, caps)


def _shouts(word: str) -> bool:
    return len(word) > 1 and not _ACRONYM.fullmatch(word)


def _runs(sentence: Sentence, caps: list[re.Match[str]]) -> Iterator[Place]:
    """Yield each run of words in capitals that follow one another; those alone count together where there are two."""
    runs: list[list[int]] = []
    for one in caps:
        gap = sentence.words[runs[-1][1] : one.start()] if runs else None
        if gap is not None and re.fullmatch(r"[\s,!-]*(?:[A-ZÄÖÜ]{1,3}[\s,!-]*){0,2}", gap):
            runs[-1][1] = one.end()
            runs[-1][2] += 1
        else:
            runs.append([one.start(), one.end(), 1])
    several = [run for run in runs if run[2] > 1]
    for start, end, _count in several or [[runs[0][0], runs[-1][1], 2]]:
        is_all = start == 0 and end == len(sentence.words.rstrip("!.? "))
        yield sentence.start + start, sentence.end if is_all else sentence.start + end


# Certainties ---------------------------------------------------------------------------------------------------------
_CERTAIN: Final = re.compile(
    r"\bzu(?:ge)?sicher(?:n|t|e)\b|\b(?:fixed|gone|solved|sorted|done|cured) (?:\w+ )?for ?ever\b"
    r"|\bkommt (?:so )?nicht (?:mehr|wieder) vor\b|\bnicht (?:mehr|wieder) vorkommt\b|"
    r"\b(?:platz|paket|geld|erstattung|ticket|karte) (?:\w+ ){0,3}(?:auf jeden fall|in jedem fall|garantiert"
    r"|sicher)\b|\b(?:löst|behebt|verhindert|heilt|entfernt) (?:\w+ )?(?:jede[sn]?|alle|sämtliche)\b|\b(?:fixes"
    r"|solves|cures|removes|prevents|stops) (?:\w+ )?(?:every|all|any)\b|\b(?:nobody|no (?:customer|one)) has ever\b"
    r"|\bever will be\b|"
    r"\b(?:zero|no) risk\b|(?<!noch )(?<!mich )\bnie(?:mals)? (?:etwas|jemand|ein\w*|auch|mehr|irgend\w*|zu|passiert"
    r"|kaputt|verloren)\b|\b(?:it|this|they|these|that|we|our \w+|the \w+) (?:will |can |could |'ll )?never (?!mind"
    r"|been|had|received|got|heard|saw|seen|arrived|told|have|too|said|meant|went|came|used|sent|really)\w+\b"
    r"|\bcan't be (?:picked|hacked|broken|beaten|cracked|damaged|lost|stolen)\b|\b(?:kein mensch|niemand"
    r"|keiner) (?:kann|wird|kommt)\b|\b(?:fehlerfrei|unkaputtbar|unzerstörbar|unfehlbar|ausnahmslos|in 100 prozent"
    r"|hundert prozent|jedes mal|jedem einzelnen)\b|\b(?:every single|each and every) \w+\b|\b(?:unbreakable"
    r"|infallible|indestructible|failsafe|fail-safe|flawless(?:ly)?)\b|\b(?:mit (?:absoluter "
    r"|hundertprozentiger )?sicherheit|ganz sicher|definitiv|zweifellos|hält (?:\w+ )?auf jeden fall"
    r"|auf jeden fall (?:\w+ )?(?:zehn|jahre|klappen|passen|funktionieren|an)|immer und (?:überall|ewig)"
    r"|kann (?:\S+ ){0,4}(?:gar|überhaupt|niemals) (?:nicht|nichts|nie) (?:passieren|vorkommen|geschehen|schief\w*)"
    r"|(?:hilft|wirkt|klappt|funktioniert|passt) (?:\w+ )?immer|versagt nie|niemals|nie wieder|lebenslang"
    r"|für immer)\b|\b(?:will|shall|'ll|is|are|does|do) (?:definitely|certainly|surely|undoubtedly|absolutely|always"
    r"|100%)\b|\b(?:definitely|certainly|absolutely|positively) (?:won't|will|not|never|impossible|nothing|nobody)\b"
    r"|\b(?:never|always) (?:fails?|breaks?|works?|leaks?|crash\w*|happens?|wears?|fades?|shrinks?)\b"
    r"|\bno (?:question|doubt)\b(?! (?:is|was|about why))|\bnobody (?:can|could|will) (?:ever )?\w+"
    r"|\bnothing (?:will|can)\b|\bever again\b|\bno matter what\b|\bcannot (?:fail|go wrong|break)\b|\bcan't (?:fail"
    r"|go wrong|break)\b|\btrust me\b|\ba lifetime\b|\bfor life\b|\bmark my words\b|\b(?:garantier(?:e|en|t)"
    r"|verbürg\w*|bürge)\b(?! nicht)|\b(?:hundertprozentig|hundert ?pro\b|100 ?-?prozentig\w*|zu 100 ?(?:%|prozent)"
    r"|100 ?% (?!baumwolle|wolle|recycl|bio|polyester|leinen|rabatt|natur|vegan|arabica)|tausendprozentig|todsicher"
    r"|bombensicher|idiotensicher|absolut (?:sicher|zuverlässig|ausgeschlossen|unmöglich|unbedenklich|ungefährlich"
    r"|dicht|risikofrei)|völlig ausgeschlossen|ausgeschlossen,? dass|mit absoluter (?:sicherheit|gewissheit)"
    r"|mit hundertprozentiger|ohne jeden zweifel|zweifelsfrei|unter garantie|ganz sicher nie)"
    r"|\b(?:ein für alle ?mal|für alle zeiten|nie(?:mals)? (?:wieder|mehr)|nie(?:mals)? (?:ausfallen|passieren"
    r"|kaputt|verloren)|(?:passiert|kommt|geschieht|vorkommen|passieren) (?:\w+ ){0,3}nie\b|nie (?:im leben"
    r"|und nimmer)|kein einziges mal|in keinem fall|auf keinen fall|unter keinen umständen|keinesfalls|garantiert"
    r"|unmöglich,? dass|physikalisch unmöglich|kann (?:gar |überhaupt |schlicht "
    r"|technisch )nicht (?:\w+ )?(?:passieren|kaputt\w*|schief\w*|einlaufen|verloren\w*|vorkommen|ausfallen|abfärben"
    r"|schaden)|(?:da |es )?kann (?:\w+ )?(?:gar |überhaupt |absolut )?nichts (?:\w+ )?(?:passieren|schief\w*"
    r"|kaputt\w*)|klappt (?:\w+ )?(?:bei jedem|immer|in jedem fall|auf jeden fall|garantiert)|(?:wirkt|hilft"
    r"|funktioniert|passt|geht) (?:\w+ )?(?:bei jede[mr]|immer und überall|in jedem fall|auf jeden fall"
    r"|zu jeder zeit|immer))\b"
    r"|\b(?:sie können|du kannst|ihr könnt|können sie|kannst du)\b.{0,30}\b(?:(?:absolut|fest|blind|zu 100 prozent"
    r"|voll und ganz|hundertprozentig|completely) )?(?:darauf|drauf) (?:verlassen|wetten|zählen|vertrauen)"
    r"|\bverlassen sie sich (?:darauf|drauf)|\bverlass dich (?:darauf|drauf)|\bmein(?:em)? (?:ehren)?wort\b"
    r"|\bgebe? (?:\w+ ){0,3}(?:mein |unser )wort\b|\bhand ins feuer\b|\b(?:völlig|absolut|komplett|vollkommen"
    r"|garantiert|total) (?:risikofrei|risikolos|ungefährlich|unbedenklich|harmlos|sicher vor|wasserdicht|fehlerfrei"
    r"|sorgenfrei|narrensicher)\b|\bdas verspreche? (?:ich|wir)\b|\b(?:ich|wir) versprech(?:e|en) (?:ihnen|dir"
    r"|euch)\b|\bversprochen\b(?!e)|\b(?:hält|halten) (?:\w+ )?(?:ewig|für immer|ein leben lang)\b|\bschwör\w*\b"
    r"|\bwette[n]? (?:\w+ ){0,4}(?:drauf|darauf|dass)|\b(?:es gibt )?(?:kein|null|keinerlei"
    r"|nicht das geringste) risiko\b|\bsicher wie das amen\b"
    r"|\b(?:i|we|can|personally|fully|absolutely|to) guarantee\b|\b(?:is|are|it's|that's|you're"
    r"|be) (?:\w+ )?guaranteed\b|\bguaranteed(?: to| that| not| never|,|!|\.|$)|\b(?:hundred|100) ?(?:per ?cent"
    r"|%) (?:sure|certain|safe|secure|guaranteed|reliable|fixed|confident|effective|waterproof|accurate|positive)"
    r"|\b(?:one )?hundred per ?cent\b|\b(?:absolute|complete|total|utter) certainty\b|\bwithout (?:a|any"
    r"|the slightest) (?:shadow of a )?doubt\b|\bonce and for all\b|\b(?:will|can|'ll|could) (?:literally "
    r"|physically |simply |absolutely )?never (?:\w+ )?(?:happen|fail|break|lose|go wrong|leak|crash|again|shrink"
    r"|fade|occur|run|let|have|be|see|expire|drop|get)\b|\bnever (?:\w+ ){0,4}(?:ever )?again\b"
    r"|\bphysically (?:cannot|can't|impossible)|\b(?:cannot|can't|can not) possibly\b|\b(?:it's|is|it is|simply"
    r"|literally|physically|technically|absolutely|quite) impossible (?:for|to|that)"
    r"|\byou have my word\b|\b(?:give|gave|giving) you (?:my|our) word\b|\b(?:on )?my (?:word"
    r"|life)(?: of honou?r)?\b|\bi(?:'d| would)? (?:stake|bet|swear)\b|\bi swear\b|\b(?:i|we) (?:can |do "
    r"|hereby )?promise (?:you|that|it|this|nothing|everything|there)\b|\brest assured\b|\b(?:can"
    r"|could) assure you\b|\b(?:completely|totally|absolutely|entirely|perfectly|100%) (?:safe|secure|foolproof"
    r"|risk-?free|harmless|waterproof|bulletproof|fireproof|unbreakable|hack-?proof|error-?free|leak-?proof)\b"
    r"|\b(?:zero|no|absolutely no) (?:risk|chance|danger|way)(?: (?:of|that|whatsoever|it|this|for|to|anyone"
    r"|at all))\b|\bfoolproof\b|\bunhackable\b|\bworks? (?:for (?:absolutely )?(?:everyone|everybody|anyone)"
    r"|every (?:single )?time|without fail|on everyone|always|in every case)\b|\bwithout fail\b|\bnothing (?:can"
    r"|will|could) (?:\w+ )?(?:go wrong|happen|break|harm)\b|\b(?:lasts?|keeps?|good) forever\b|\bcount on it\b"
    r"|\bbank on it\b|\bno (?:ifs|ifs or buts|ifs and buts)\b|\bnot a single\b.{0,30}\bwill\b|\b(?:dead|stone-?cold"
    r"|iron-?clad|cast-?iron) (?:certain|cert|guarantee|certainty)\b"
    r"|\b(?:won't ever|will not ever|never, ever|ever happen again|without exception|hand on heart|cross my heart"
    r"|sure as|put (?:my )?money on|(?:no|zero) chance|bulletproof|safe as houses|won't (?:regret|be disappointed)"
    r"|every time|i'd bet|bet (?:my|you)|swear (?:by|on)|risk-?free|with complete confidence|be in no doubt"
    r"|beyond (?:any )?doubt|a hundred percent|one hundred percent|utterly impossible|completely impossible)\b"
    r"|\b(?:full stop|period)\.$"
    r"|\b(?:ich|wir|kann ich|können wir) (?:ihnen |dir |euch )?versicher[en]* (?:ihnen|dir|euch)?\b"
    r"|\bversicher\w* (?:ich|wir) (?:ihnen|dir|euch)\b"
    r"|\b(?:zu|mit) (?:tausend|hundert) ?prozent\w*|\bhand (?:dafür )?ins feuer\b|\babsolut \w+(?:los|frei|dicht"
    r"|sicher|fest|genau)\b|,? always\W*$|\b(?:every|each) \w+, always\b"
    r"|\b(?:my|our) (?:personal |full |solemn |absolute )?(?:guarantee|word of honou?r"
    r"|solemn promise)\b(?! (?:covers|period|terms|card|runs|is))|\b(?:impossible|inconceivable|unthinkable) (?:for"
    r"|that|to)\b"
    r"|\b(?:undenkbar|unvorstellbar|ausgeschlossen)\b(?=\W*$)|\bvollkommen sorglos|\b(?:ohne|without) (?:jedes|any"
    r"|das geringste|the slightest) (?:risiko|risk)\b|\bgift (?:drauf |darauf )?nehmen\b|\b(?:unser|mein"
    r"|unsere) (?:ehren)?wort\b|\b(?:haben|hast) (?:sie |du )?(?:\w+ )?(?:unsere|meine) garantie\b"
    r"|\b(?:völlig|absolut|komplett|vollkommen|total|restlos|hundertprozentig) (?:sicher|geschützt|dicht"
    r"|wartungsfrei|immun)\b"
    r"|\b(?:ist|sind|bleibt|wäre) (?:\w+ ){0,6}(?:ausgeschlossen|unmöglich)\b(?! von)|\b(?:sämtliche"
    r"|alle) \w+ (?:\w+ ){0,4}(?:für immer|endgültig|restlos)\b"
    r"|\byou have (?:our|my) (?:guarantee|word|promise|assurance)\b|\b(?:i|we)(?: can| do|'d like to"
    r"|'ll)? assure you\b|\bbet your \w+"
    r"|\b(?:rely|depend) on (?:it|that|this)\b|\bfor good\b(?=\W*$)|\b(?:is|are|'s) never (?:down|late|wrong|out|off"
    r"|empty|lost)\b|\bnothing (?:\w+ )?can\b"
    r"|\b(?:never|won't ever|no one|nobody|not anyone) .{0,60}\b(?:ever )?again\b"
    r"|\bwon't happen (?:to anyone )?(?:ever )?again\b"
    r"|\b(?:passiert|kommt|geschieht|vorkommen|passieren) (?:\w+ ){0,4}(?:nicht|nie|niemandem) (?:wieder|mehr"
    r"|noch einmal)\b|\bniemandem (?:mehr|wieder) \w+"
    r"|\b(?:hält|halten|funktioniert|läuft) (?:\w+ )?(?:ewig|ein leben lang|für die ewigkeit)|\bso sicher wie\b"
    r"|\bas sure as\b|\bbelieve me\b"
    r"|\b(?:mit|in) (?:absoluter|hundertprozentiger|völliger|letzter|größter) (?:gewissheit|sicherheit)\b"
    r"|\b(?:hundertpro|tausendpro|ohne ausnahme|ausnahmslos|bürgen|kein zweifel|keinen zweifel|hand drauf|ehrenwort"
    r"|großes ehrenwort|absolut nichts passieren|immer und in jedem fall|gar kein risiko|überhaupt kein risiko"
    r"|risikolos)\b",
    _FLAGS,
)
_UNCERTAIN: Final = re.compile(
    r"\b(?:kann|können|könnte|will|möchte|wollen|darf|dürfen) (?:\w+ ){0,6}(?:nicht|nichts|kein\w*"
    r"|leider) (?:\w+ ){0,3}(?:garantieren|versprechen|zusagen)|\b(?:nicht|nichts|kein\w*|nie"
    r"|niemand) (?:\w+ ){0,3}(?:garantier\w*|versproch\w*|versprechen)|\bkeine garantie\b|\bgarantie(?:zeit|fall"
    r"|karte|leistung|anspruch|bedingung\w*|verlängerung)?\b(?!rt)|\bgarantierte[rsnm]? (?:mindest|lieferzeit)\b"
    r"|\b(?:can't|cannot|can not|couldn't|won't|don't|never|not|no one can|nobody can|unable to|wouldn't|doesn't"
    r"|didn't) (?:\w+ ){0,3}(?:guarantee|guaranteed|promise|be (?:100|a hundred)|swear|rule out)\b"
    r"|\bno guarantees?\b|\b(?:money-?back|year|months?|lifetime|price|(?<!have )our|the|your|under|of) guarantee\b"
    r"|\bnot (?:100|a hundred|one hundred) ?(?:%|per ?cent)|\bnicht (?:zu )?(?:100|hundert)|\brather than promis"
    r"|\b(?:auf keinen fall|in keinem fall) (?:\w+ ){0,3}(?:öffnen|verwenden|nutzen|ziehen|schneiden|waschen|mischen"
    r"|mit|in|weitergeben|selbst|klicken|einnehmen)|\bnie (?:wieder|mehr) (?:\w+ ){0,2}(?:passwort|pin)\b"
    r"|\bgarantieren (?:kann|können|will) .{0,40}(?:nicht|kein)|\bwird (?:nicht )?mehr angeboten\b|\bgarantieren sie\b",
    _FLAGS,
)


_VOUCHES: Final = re.compile(
    r"\b(?:versicher\w*|versprech\w*|garantier\w*|schwör\w*|wette\w*|verlassen|gift|wort|sicher|assure|promise"
    r"|guarantee|swear|bet"
    r"|rely|word|certain|trust|believe|mark|sure)\b",
    _FLAGS,
)


def guarantees(reading: Reading) -> Iterator[Place]:
    """Yield certainties that nobody at the desk can vouch for."""
    for sentence in reading.sentences:
        found = _CERTAIN.search(sentence.words)
        if found is None or sentence.is_question or _UNCERTAIN.search(sentence.words):
            continue
        start = sentence.start
        for number, clause in enumerate(sentence.clauses):
            is_last = number + 1 == len(sentence.clauses)
            gap = (
                ""
                if is_last
                else sentence.words[clause.end - sentence.start : sentence.clauses[number + 1].start - sentence.start]
            )
            if (
                clause.end > sentence.start + found.start()
                or is_last
                or not (
                    GREETING.search(clause.words)
                    or (":" in gap and not _VOUCHES.search(clause.words))
                    or _is_aside(clause)
                )
            ):
                break
            start = sentence.clauses[number + 1].start
        body_end = sentence.clauses[-1].end
        yield (
            start,
            sentence.end if start == sentence.start or ":" in sentence.words[: start - sentence.start] else body_end,
        )


def _is_aside(clause: Part) -> bool:
    return (
        re.fullmatch(
            r"(?:don't worry|keine sorge|no worries|ja|yes|nein|no|klar|sure|natürlich|of course|keine angst|danke"
            r"|thanks|okay|ok|alles klar|hey|hi|oh|honestly|ganz ehrlich|ehrlich)(?: \w+)?",
            clause.words.strip(),
            _FLAGS,
        )
        is not None
    )


# Sie and du ----------------------------------------------------------------------------------------------------------
_DU: Final = re.compile(
    r"\b(?:du|dir|dich|dein(?:e[rsmn]?)?|euch|euer|eure[rsmn]?|deinerseits|hast du|bist du|magst du|kannst du)\b"
    r"|\b(?:schau|guck|probier|meld|schreib|schick|ruf|klick|versuch|nimm|gib|sag|wart|teste|frag|lass)e? (?:mal"
    r"|bitte|uns|mir|doch|einfach|dich|gern|hier)\b",
    _FLAGS,
)
_SIE: Final = re.compile(
    r"(?<![.!?:\n\x00„\"] )(?<!^)\b(?:Sie|Ihnen|Ihr(?:e[rsmn]?)?|Ihrerseits)\b|\b(?:[a-zäöüß]+en|[Ss]ind|[Hh]aben"
    r"|[Ww]erden) Sie\b|^(?:[A-ZÄÖÜ][a-zäöüß]+en) Sie\b"
)
_SIE_FIRST: Final = re.compile(r"(?:^|[.!?:\n] ?)\b(?:Sie (?:\w+en|sind)\b|Ihnen\b|Ihr(?:e[rsmn]?)? )")


def mixed_address(reading: Reading, *, is_german: bool) -> list[Place]:
    """Return where Sie and du meet: the first word of the rarer of the two."""
    if not is_german:
        return []
    polite = sorted(
        {one.start(): one for pattern in (_SIE, _SIE_FIRST) for one in pattern.finditer(reading.plain)}.items()
    )
    close = list(_DU.finditer(reading.plain))
    if not polite or not close:
        return []
    if len(close) <= len(polite):
        return [close[0].span()]
    one = polite[0][1]
    word = re.search(r"Sie|Ihnen|Ihr(?:e[rsmn]?)?", one[0])
    return [(one.start() + word.start(), one.start() + word.end())] if word is not None else []
