"""Everyday English words, for negatives of a wake word: what is said all day beside it."""

from __future__ import annotations

_TEXT = """
able about above across after again age air all alone along also always amen and animal another
answer any apple april arm around ask august autumn away baby back bad ball bank bath beach bean
bear beautiful because bed bell below best better between big bird birthday black blue board
boat body book bottle bottom box boy bread bring brother brown building bus busy butter button
buy cab call calm camel camera camp can candle car card carry cat chair change cheap child
chocolate church city clean clear clock close cloud coat coffee cold colour come common commuter
company compute computing cook cool corner could country cover cow cream cup cut dark daughter
day dead dear december deep desk dinner doctor dog dollar done door dot down dream dress drink
driver dry early earth east easy eat egg eight either eleven empty end enough evening every eye
face fair fall family far farm fast father february feel few field fifty fine finger finish fire
first fish five floor flower fly follow food foot forest forget fork forty four free friday
friend from front fruit full fun funny future game garden gate girl give glad glass go gold good
grand grass gray great green grow hair half hall hand happy hard hat hate hay he head hear heart
heat heavy hello help her here hey high hill him his hole holiday home hope horse hot hour house
how human hundred hungry hurry ice idea if inside iron island it jacket january job join july
jump june just keep key kind king kiss kitchen knee knife know ladder lady lake lamp land large
last late laugh lazy leaf learn leave left lemon less lesson letter library life light like line
lion list listen little live long look looming loop loose lose lot loud love low lucky lumber
lunar lunch machine mail make man many map march market may maybe me meat meet men menu message
middle milk million minute mirror mister monday money month moon more morning mother mountain
mouse mouth move movie much music must name narrow near neck need never new news next nice night
nine no noise noon north nose not nothing november now number nurse october of off office often
oil old omen on once one onion open or orange other out over own page paint pair paper parent
park part party pass pay pen people pepper perfect phone photo piano picture piece pilot place
plan plane plant plate play please pocket police poor post potato present pretty price problem
proper pull push put quarter queen question quick quiet radio rain read ready real red rest rice
rich ride right ring river road rock roman room rose round ruler rumour run sad safe salt same
sandwich saturday save say school sea season seat second see sell send september seven shade
shall she ship shirt shoe shop short should show shut side sign silver simple since sing sister
sit six sky sleep slow small smart smile smoke snow so soap sock soft some son song soon sorry
soup south space speak spoon sport spring square stamp star start station stay stone stop storm
story street strong student sugar summer sun sunday sure sweet swim table take talk tall tea
teacher ten than thank that the their them then there they thin thing think thirty this three
throw thursday ticket tie time tired to today together tomato tomorrow tonight too tooth top
town toy train travel tree trouble true try tuesday tumour turn twelve twenty two ugly umbrella
uncle under until up use van very view village visit voice wait wake walk wall want war warm
wash watch water way we wear weather wednesday week well west wet what wheel when where which
white who why wide wife wind window winter wish with woman women wonder wood word work world
worry write wrong yard year yellow yes yesterday yet you young zero
"""

WORDS = tuple(_TEXT.split())
"""Each once, in the order of the alphabet."""
