"""Words and phrases that say nothing about the question, by language: talk around an answer, "I don't know".

Text is folded first (case and accents, :func:`service.grading.manipulation.disguise.fold`), so the words are written
without accents. Languages without spaces, or with joined endings, are listed as phrases.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from service.grading.manipulation.disguise import fold


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split()) | frozenset(fold(text).split())


FILLER = _words("""
    a about actually ahead all am an and answer answering antwort are at be below basically break by can can't
    candidate carefully come comprehensive could course detailed do don't down explain final first follows
    following for from give glad go going good great guess happy have he help here here's hi hello hmm honest
    honestly i i'd i'll i'm i've in is it it's just know let let's lets like lo maybe me moment much my next no
    now of off ok okay on or our please problem process question really reasoning reply respond response
    respuesta sadly say see sir so solution solve some sorry sure take tell thank thanks that that's the then
    think this thought thoughts thing time to uh uhm um unfortunately us very walk was we we'll well what will
    with would yeah you you're your afraid as question's réponse lösung risposta resposta 解 解答 答案 答 回答 答え step
    steps
""")
"""English talk around an answer, and headings in other languages that graders fall for."""

ECHO = _words("""
    also asked asking asks explained has how make makes means need needs she should does one other others there
    when who they through too wants want where which why
""")
"""Words that come along when a question is said back."""

SHRUG = _words("""
    ago any anything but clueless empty ever had head heard if long mind mm move never not nothing once one only
    read rather something tbh there topic use used were whatsoever work worked
""")
"""Words that come along when somebody says that they do not know."""

TALK: Mapping[str, frozenset[str]] = {
    "de": _words("""
        aber also am an angabe antwort antworten auf aufgabe beantworten beginnen bei danke dann darauf das dass
        dazu dem den denken der des die diese dieser durch durchgehen ein eine einem einen einer er erklaren
        erst erstmal es frage fragen fragst fur gedanke gedanken gedankengang gern gerne gut gute guten geht
        hallo hier hm ich ihnen ihre im in ist ja jetzt kann konnen lass lassen lasst leider losen losung
        losungsweg mal man mein meine meiner mich mir mit moment nach nachdenken nicht nun nur ok okay schauen
        schritt schritte sehr sich sie so sollen soll thema uber uberlegen um und uns vielen von was wie wir
        wird wissen wollen wurde zu zum zur zuerst uberlegung wollten mochten welche
    """),
    "fr": _words("""
        a afin ai alors au aux avec avez bien bon bonjour bonne c'est ca ce cela cet cette comme comment
        d'accord dans de demande demandez des dire donc du en est et etape etapes euh excellente expliquer faire
        il j'ai je l'explication la laissez le les ma maintenant me merci mes moi mon n'est ne notre nous on ou
        par pas pense pensee plait point pose posez pour premierement prenons probleme processus qu'est
        qu'est-ce que quel quelle question qui raisonnement reflechir reflechissons repondre reponse resolvons
        resoudre s'il se sur tout tres une un va vais voici voila vos votre vous y
    """),
    "es": _words("""
        a ahora al ante bien bueno buena claro como con cual de del dejame dice el ella en entonces es esa ese
        esta este esto explicacion explicar explique final gracias hay hola la las le lo los me mi momento muy
        no nos o os para paso pasos pensamiento pensar pensemos pero por porque pregunta preguntan preguntas
        problema proceso pues que quiere razonamiento resolvamos resolver responder respuesta se si sobre
        solucion su tema tengo un una usted vamos veamos voy y ya
    """),
    "pt": _words("""
        a agora ao as bem boa bom claro com como da de deixe do e ela ele em entao esse esta este eu explicar
        explicacao final isso me meu minha momento muito na nao no nos o obrigado obrigada ola os ou para passo
        passos pensamento pensar pensemos pergunta pergunte pois por problema processo que quer raciocinio
        resolver resolvamos responder resposta se sobre solucao sua tema um uma vamos ver voce vou
    """),
    "it": _words("""
        a adesso allora al alla bella bene buona che chiede chiedi ci ciao come con cosa da del della di e ecco
        ed facciamo fase fasi finale fine gli grazie ha ho i il in io la le lei lo ma me mi mia mio molto
        momento nel non o ora passo passi penso pensiero per perche pensare problema processo procediamo quale
        quella questa questo ragionamento ragioniamo risolvere risolviamo rispondere risposta se si soluzione
        spiegare spiegazione su sulla sua tutto un una va vediamo domanda vuole
    """),
    "nl": _words("""
        aan al als antwoord bedankt beantwoorden beginnen dan dank dat de denken deze die dit dus een eens en er
        even ga gaan geven goed goede graag hallo het hier ik in is ja je kan kijken laat laten me mijn moment
        na naar niet nu of ok om op oplossen oplossing over stap stappen stel te u uit uitleggen van voor vraag
        vragen vraagt wat we wel wij wil
    """),
    "pl": _words("""
        a ale co czy dla do dobre dobrze dziekuje i ja jak jest juz krok kroku krokiem moja moje na najpierw nie
        odpowiedz odpowiedzi odpowiem oto po pomyslmy proces prosze pytanie rozwiazanie rozwiazac rozwiazmy sie
        teraz ten to tu w wiec wyjasnic z za zacznijmy zadanie myslenia myslowy przemyslmy chwile
    """),
    "ru": _words("""
        а бы был в вас вопрос вопроса ваш вам вот вы говорить дайте давайте для до думаю его ее если есть еще же
        за задача задачу и из или как какои мне мои моя мы мысли мышления на надо начнем нас не ну о об ответ
        ответа ответить отвечу по подумаем подумать пошагово привет процесс разберем рассуждение решение решим с
        сеичас сначала спасибо спрашивают спрашиваете так такое то тоже у хорошии хорошо чтобы что шаг шагом
        шаги эта эти это этот эту я итак
    """),
    "tr": _words("""
        adim adima ben bir bu cevap cevabim cozelim cozum da de diye dusunce dusunelim dusuneyim evet guzel icin
        ile iste merhaba ne simdi soru sorunun sorunuz sureci tesekkurler ve yanit yanitim yanitlayayim hemen
        biraz adimda
    """),
    "id": _words("""
        adalah akan apa berikut berpikir dan dengan di dulu hai ini jadi jawab jawaban kami kasih kita langkah
        demi mari masalah menjawab oke pertanyaan pikirkan proses saya secara selesaikan solusi tentang terima
        untuk yang
    """),
    "vi": _words("""
        ban bang bay buoc cam cau cau chung cua day de gio giai giup hay hoi la loi mot nay nhe on qua suy ta
        tien toi tra trinh tung va van ve vang xin
    """),
}
"""Talk around an answer in languages with spaces between words."""

_JOINED = {
    "zh": (
        "让我们|让我|我们|我来|首先|现在|好的|好问题|这是|以下是|下面是|我的|你的|您的|这个|那个|一步一步|"
        "一步步|逐步|来|地|解决|解答|回答|"
        "思考过程|思考|想一想|想想|分析|过程|步骤|推理|问题|题目|答案|最终|如下|解|答|请|谢谢|你问的是|"
        "您问的是|你问|您问|什么是|是什么|什么|"
        "如何|怎么|以及|和|与|的|是|了|吗|呢|吧|在|就|会|要|这|那|我|你|您|嗯|那么|讓我們|這個|問題|關於|"
        "关于|解释|說明|说明"
    ),
    "ja": (
        "ステップバイステップ|ステップ|思考プロセス|プロセス|順を追って|順番に|一歩ずつ|考えましょう|"
        "考えてみましょう|考えます|考え|"
        "解決|解きましょう|解き|解答|回答|答え|答えます|質問|問題|以下|の通り|です|ます|でしょう|とは|何か|"
        "何|という|について|どのように|"
        "なぜ|これ|それ|この|その|私|まず|では|はい|ええと|えーと|ありがとうございます|良い|いい|説明|"
        "しましょう|します|して|する|"
        "が|の|を|に|は|で|と|も|か|ね|よ|へ|や|ましょう|ください|お"
    ),
    "ko": (
        "단계별로|단계|차근차근|하나씩|생각해|생각|과정|풀어|풀이|해결|문제|질문|답변|대답|답|정답|설명|"
        "드리겠습니다|하겠습니다|"
        "보겠습니다|봅시다|보자|합시다|하자|입니다|이란|무엇인가요|무엇|인지|어떻게|다음과|같습니다|먼저|"
        "우선|그럼|네|좋은|감사합니다|"
        "제|저는|저의|우리|이|그|저|은|는|을|를|의|에|가|도|로|해|요|다|고"
    ),
    "ar": (
        "لنحل|دعنا|دعونا|دعني|سوف|سا|نحل|نفكر|افكر|اجيب|الاجابه|اجابتي|اجابه|الجواب|جوابي|الحل|حل|السوال|"
        "سوال|سوالك|المساله|"
        "مساله|المشكله|خطوه بخطوه|خطوه|بخطوه|خطوات|عمليه|التفكير|تفكير|هذه|هذا|هنا|هي|هو|كما|يلي|ما|ماذا|كيف|"
        "عن|في|على|من|الى|"
        "شكرا|لك|جيد|حسنا|نعم|اولا|الان|شرح|ان|و"
    ),
    "hi": (
        "चलिए|आइए|हम|मैं|मेरा|मेरे|इसे|इस|यह|को|का|के|की|में|से|पर|है|हैं|करते|करें|करता|हूं|हल|चरण|दर|कदम|"
        "सोच|सोचते|प्रक्रिया|विचार|"
        "उत्तर|जवाब|प्रश्न|सवाल|समाधान|अंतिम|निम्नलिखित|धन्यवाद|अच्छा|क्या|कैसे|और|पहले|अब|समझाता|बताता|होता"
    ),
    "th": "คำตอบ|คำถาม|ขั้นตอน|ทีละ|มา|แก้|ปัญหา|กัน|คิด|กระบวนการ|ครับ|ค่ะ|ของ|ฉัน|ผม|คือ|ดังนี้|นี้|ขอบคุณ|สวัสดี",
}
_JOINED_DONT_KNOW = {
    "zh": (
        "我?(?:真的|确实|也|完全)?(?:不知道|不清楚|不太清楚|不了解|不会|不懂|没有头绪|没有?听说过|答不上来|"
        "没学过|不晓得)|無可奉告|跳过|沒有想法"
    ),
    "ja": (
        "わかりません|分かりません|わからない|分からない|知りません|知らない|存じません|答えられません|"
        "聞いたことがありません|忘れました|パス"
    ),
    "ko": (
        "모르겠습니다|모르겠어요|모르겠네요|모르겠다|몰라요|모릅니다|잘 모르겠어요|잘 모르|들어본 적이? 없|"
        "패스|기억이 안"
    ),
    "ar": "لا اعرف|لا اعلم|لا ادري|ليس لدي (?:اي )?(?:فكره|اجابه|علم)|لست متاكدا|لا استطيع الاجابه|لم اسمع",
    "hi": (
        "(?:मुझे )?(?:इसका |इस बारे में )?(?:कुछ )?(?:नहीं पता|पता नहीं|मालूम नहीं|नहीं मालूम|नहीं जानता|"
        "नहीं जानती)(?: है| हूं)?|कोई जानकारी नहीं"
    ),
    "th": "ไม่ทราบ|ไม่รู้|ไม่แน่ใจ",
}
_POLITE = {
    "zh": "抱歉|对不起|不好意思|对此|这个|我|也|了|，|的",
    "ja": "すみません|申し訳ありません|ごめんなさい|よく|全く|全然|ちょっと|私|は|が|に|で",
    "ko": "죄송합니다|죄송하지만|미안|전혀|잘|정말|저는|습니다|어요|음",
    "ar": "اسف|عذرا|للاسف|عن هذا|هذا|انا|الجواب|الاجابه",
    "hi": "माफ|कीजिए|क्षमा|मुझे|मैं|सच|में|इसका|उत्तर|जवाब",
    "th": "ขอโทษ|ครับ|ค่ะ|ผม|ฉัน",
}

DONT_KNOW = re.compile(
    r"\b(?:"
    r"(?:ich )?(?:das )?weiss (?:ich |es |das |leider |ehrlich gesagt |gerade |wirklich )*nicht|"
    r"keine ahnung|keinen (?:blassen )?schimmer"
    r"|(?:da )?bin ich (?:\w+ )?uberfragt|(?:das )?kann ich (?:\w+ )?nicht (?:sagen|beantworten)|"
    r"kenne ich nicht|keine antwort"
    r"|je (?:ne )?(?:le )?sais (?:vraiment )?pas|je n'en sais rien|je n'en ai aucune idee|aucune idee|"
    r"je ne connais pas|je l'ignore|pas d'idee"
    r"|(?:yo )?no (?:lo |la )?(?:se|conozco|recuerdo)|ni idea|no tengo (?:ni |la menor |ninguna )?idea|"
    r"lo desconozco|no sabria (?:decir|decirle|responder)?"
    r"|(?:eu )?nao (?:o )?(?:sei|conheco|lembro)|nao (?:faco|tenho) (?:a menor |nenhuma )?(?:ideia|nocao)|sem ideia"
    r"|(?:io )?non (?:lo |la )?(?:so|conosco|ricordo)|non (?:ne )?ho (?:la minima |nessuna |alcuna )?idea|"
    r"nessuna idea|boh"
    r"|(?:dat )?weet ik (?:\w+ )?niet|(?:ik )?(?:heb )?geen (?:flauw )?idee|ik weet het niet"
    r"|(?:ja )?nie wiem|nie mam pojecia|nie pamietam|trudno powiedziec"
    r"|(?:я )?(?:\w+ )?не знаю|(?:не имею )?понятия не имею|без понятия|затрудняюсь ответить|не помню"
    r"|bilmiyorum|(?:hic ?bir )?fikrim yok|emin degilim"
    r"|(?:saya )?(?:tidak|nggak|gak) (?:tahu|tau)|(?:jag )?vet (?:jag )?inte|ingen aning"
    r"|(?:toi )?khong biet|(?:jeg )?ved (?:det )?ikke|nevim|nem tudom|den xero"
    r"|(?:i )?have ?n[o']?t the (?:faintest|foggiest|slightest)(?: idea| clue)?|beats me|not a clue|"
    r"no clue|(?:that (?:one )?)?escapes me"
    r"|(?:i'?d |i would )?rather not (?:answer|say)|can'?t say i know"
    r")\b"
)
"""Saying that one does not know, in languages with spaces between words (folded)."""

SORRY = _words("""
    entschuldigung sorry leider tut mir leid ehrlich gesagt desole desolee pardon malheureusement honnetement lo
    siento perdon lamento desculpe infelizmente mi dispiace purtroppo scusi sorry helaas przepraszam niestety
    извините простите сожалению к uzgunum maaf xin loi mir das es dazu nicht da la le il o a je ich yo eu io ik
    ja я answer antwort reponse respuesta idea
""")
"""Words that come along with it."""

_LONGEST_FIRST = {
    name: "|".join(sorted(fold(words).split("|"), key=len, reverse=True)) for name, words in _JOINED.items()
}
TALK_JOINED: Mapping[str, re.Pattern[str]] = {name: re.compile(words) for name, words in _LONGEST_FIRST.items()}
"""Talk around an answer in languages without spaces, by language; each pattern matches one piece of it."""

DONT_KNOW_JOINED: Mapping[str, re.Pattern[str]] = {
    name: re.compile(f"(?:{fold(words)})(?:{fold(_POLITE[name])})*") for name, words in _JOINED_DONT_KNOW.items()
}
POLITE_JOINED: Mapping[str, re.Pattern[str]] = {name: re.compile(fold(words)) for name, words in _POLITE.items()}

YES_OR_NO = _words("""
    yes no nope yep yeah ja nein oui non si sim nao nee tak nie да нет evet hayir ya tidak vang khong
    是 不是 是的 不 对 はい いいえ 네 예 아니요 아니오 نعم لا हां नहीं
""")
"""A word that may be the whole answer."""
