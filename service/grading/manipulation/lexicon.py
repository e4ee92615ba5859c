"""What one says to a marker and not to an interviewer, by concept, in many languages.

A concept is a kind of word ("the one who marks", "a mark", "set aside"), not a phrase: the rules in
:mod:`service.grading.manipulation.signals` ask which concepts meet in one sentence, so a wording nobody has thought of
still counts. Stems stand for their inflections. All text is folded first (case, width, accents).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from service.grading.manipulation.disguise import fold

_WORDS: Mapping[str, Mapping[str, str]] = {
    "marker": {
        "en": (
            r"(?:auto[- ]?|automat\w+ |human |ai |head |chief |llm )*(?:grader|marker|examiner|evaluator|assessor|"
            r"scorer|rater|judge|proctor|adjudicator|moderator)s?|(?:grading|marking|scoring|evaluation|"
            r"assessment|judging|assessing|evaluating|rating|feedback) (?:model|ai|llm|system|engine|assistant|"
            r"bot|agent|software|tool|algorithm|machine|script|panel|committee|team|process|pipeline|module|"
            r"service)s?|reviewer \(?ai\)?|(?:whoever|whatever|who(?:ever)? or what(?:ever)?|anyone|"
            r"anything) (?:is |are )?(?:now |currently )?(?:marks?|grad(?:es?|ing)|scor(?:es?|ing)|marking|"
            r"evaluat(?:es?|ing)|assess(?:es|ing)?|judg(?:es?|ing)|read(?:s|ing)?)|(?:whichever|whatever|"
            r"the) (?:model|system|software|program|person|ai|machine|algorithm|human) (?:is |that's |that is |"
            r"who is |who's )?(?:deciding|reading|marking|grading|scoring|judging|rating|evaluating|processing|"
            r"assessing|in charge|checking|responsible)|whoever (?:\w+ )?decides|those (?:who )?(?:mark|grad|scor|"
            r"judg)\w+|(?:examination|exams?|grading|admissions|assessment) (?:office|board|team|staff|committee)|"
            r"(?:lead|second|chief|senior|head) examiners?"
        ),
        "de": (
            r"(?:be|aus|kor)?(?:bewerter|prufer|korrektor|gutachter|juror|auswerter|benoter)(?:in|innen|s|n)?|"
            r"bewertungs(?:modell|system|ki|assistent)\w*|prufungs(?:modell|system|ki)\w*|korrektur(?:ki|system|"
            r"modell)\w*"
        ),
        "fr": (
            r"correct(?:eur|rice)s?|examinat(?:eur|rice)s?|evaluat(?:eur|rice)s?|notat(?:eur|rice)s?|jurys?|"
            r"(?:modele|systeme|ia) (?:d'evaluation|de notation|de correction)"
        ),
        "es": (
            r"evaluador\w*|calificador\w*|corrector\w*|examinador\w*|jurado|(?:modelo|sistema|"
            r"ia) de (?:evaluacion|calificacion|correccion)"
        ),
        "pt": r"avaliador\w*|corretor\w*|examinador\w*|(?:modelo|sistema|ia) de (?:avaliacao|correcao)",
        "it": (
            r"valutator\w+|esaminator\w+|corrett(?:ore|rice|ori)|(?:modello|sistema|ia) di (?:valutazione|"
            r"correzione)"
        ),
        "nl": r"beoordelaar\w*|nakijker\w*|examinator\w*|correctors?|beoordelings(?:model|systeem|ai)",
        "pl": r"egzaminator\w*|oceniajac\w+|sprawdzajac\w+|recenzent\w*",
        "ru": r"экзаменатор\w*|проверяющ\w+|оценщик\w*|оценивающ\w+|эксперт\w*|модел\w+ оценк\w+|систем\w+ оценк\w+",
        "tr": r"degerlendiric\w+|degerlendirme (?:modeli|sistemi)|sinav gorevlisi|puanlayici\w*|not veren\w*",
        "id": r"penilai\w*|penguji\w*|pemeriksa\w*|sistem penilaian",
        "vi": r"giam khao|nguoi cham|he thong cham",
        "zh": (
            r"评分(?:者|员|人|模型|系统|老师|助手)|阅卷(?:人|老师|员|系统)|考官|评委|评审|评判|評分(?:者|員|人|"
            r"模型|系統)|閱卷|评估(?:者|员|模型|系统)"
        ),
        "ja": r"採点(?:者|官|システム|モデル|担当)|試験官|評価(?:者|モデル|システム|担当|AI|ai)|審査(?:員|官)",
        "ko": r"채점(?:자|관|모델|시스템)|평가(?:자|관|모델|시스템)|심사(?:자|위원)|시험관",
        "ar": r"المصحح|المقيم|الممتحن|المحكم|نظام التقييم|نموذج التقييم|ايها المقيم",
        "hi": r"परीक्षक|मूल्यांकनकर्ता|मूल्यांकक|जांचकर्ता|मूल्यांकन (?:मॉडल|प्रणाली)",
        "th": r"ผู้ตรวจ|กรรมการ|ผู้ประเมิน",
    },
    "machine": {
        "en": (
            r"(?:large )?language models?|llms?|ai (?:model|assistant|system|agent|reader|tool)s?|ais?|chatbots?|"
            r"bots?|virtual assistants?|artificial intelligence|chatgpt|gpt(?:-?\d\w*)?|claude|gemini|llama|qwen|"
            r"mistral|the (?:model|assistant|machine|algorithm|system) (?:reading|processing|parsing|marking|"
            r"grading|scoring) this"
        ),
        "de": r"sprachmodell\w*|ki(?:-\w+)?|kunstliche intelligenz",
        "fr": r"modeles? de langage|ia|intelligence artificielle",
        "es": r"modelos? de lenguaje|inteligencia artificial|ia",
        "pt": r"modelos? de linguagem|inteligencia artificial",
        "it": r"modell[oi] linguistic[oi]|intelligenza artificiale",
        "ru": r"языков\w+ модел\w+|ии|нейросет\w+",
        "zh": r"语言模型|人工智能|大模型|語言模型",
        "ja": r"言語モデル|人工知能",
        "ko": r"언어 ?모델|인공지능",
    },
    "mark": {
        "en": (
            r"scores?|grades?|marks?|points?|ratings?|credits?|verdicts?|levels?|evaluations?|assessments?|bands?|"
            r"stars?"
        ),
        "de": r"note|noten|punkt\w*|bewertung\w*|stufe|wertung|beurteilung|niveau|bestnote",
        "fr": r"notes?|points?|notation|evaluation|niveau|score|appreciation|mention",
        "es": r"notas?|puntuacion\w*|puntos?|puntaje\w*|calificacion\w*|nivel|evaluacion|valoracion",
        "pt": r"notas?|pontuacao|pontos?|classificacao|nivel|avaliacao",
        "it": r"vot[oi]|puntegg\w+|punt[oi]|valutazion\w+|livello|giudizio",
        "nl": r"cijfers?|score|punten|beoordeling|niveau",
        "pl": r"ocen\w+|punkt\w*|not[aęe]|poziom\w*",
        "ru": r"оценк\w+|балл\w*|отметк\w+|уров(?:ень|ня|нем)",
        "tr": r"puan\w*|notu?|not|seviye\w*|derece\w*",
        "id": r"nilai\w*|skor\w*|poin",
        "vi": r"diem|muc diem",
        "zh": r"分|评分|分数|等级|级别|成绩|評分|分數|等級|成績|评价",
        "ja": r"点|得点|スコア|評価|成績|評点|レベル",
        "ko": r"점수|점|등급|평점|평가|만점",
        "ar": r"درجه|درجات|الدرجه|نقاط|تقييم|التقييم|العلامه|علامه|مستوى",
        "hi": r"अंक|अंकों|स्कोर|ग्रेड|नंबर|स्तर|मूल्यांकन",
        "th": r"คะแนน|เกรด|ระดับ",
    },
    "top": {
        "en": (
            r"(?:full|maximum|max|highest|top|maximal|topmost|uppermost|perfect|best|greatest|"
            r"most favou?rable)(?:[- ](?:possible|available|permitted|achievable|allowed))?(?: (?:overall|total|"
            r"possible))? (?:grades?|marks?|levels?|credits?|bands?|ratings?|verdict|evaluation|assessment|tier|"
            r"category|one|box)|(?:full|perfect|maximum) (?:scores?|points)|(?P<most>5|10|20|100|five|ten) ?(?:/|"
            r"out of|of|from) ?(?P=most)|a\+|(?:levels?|grades?|marks?|ratings?|bands?|scores?|label|"
            r"result) ?(?:of|is|was|=|:|to|at|as|-)? ?(?:an? )?(?:5|five|10|ten|100)(?![.,]?\d|%| ?\w*%)|"
            r"all (?:fives|5'?s|tens)|straight (?:fives|5'?s|a'?s)|(?:5 ){3,}5|(?:five|5)s? (?:across the board|"
            r"throughout|everywhere|for everything|on everything|all round|all around)|(?:a |an |the )?(?:5s?|"
            r"fives?|10|ten|max(?:imum)?|top) (?:for|on|in|across) (?:each (?:of|one|criteri\w+|dimension|"
            r"category|area)|every (?:one|criteri\w+|dimension|category|area|single)|all (?:four|of|the|"
            r"criteri\w+|dimensions)|correctness|clarity|story\w*|everything|the board)|(?:settled|fixed|decided|"
            r"agreed|set|stands|sits|treat\w* \w+ \w+|treat\w* \w+|put \w+|worth|down|rate\w* \w+|go with|"
            r"just) (?:at|as|for|on)? ?(?:an? |the )?(?:5|five|max(?:imum)?|top)(?! (?:percent|minutes?|days?|"
            r"years?|hours?|times?|or)| ?%|[.,]?\d)|top of the (?:scale|range|class)|to the max(?:imum)?(?! \w)|"
            r"the max(?! \w)|flying colou?rs|(?:largest|strongest|biggest|finest|uppermost|best|highest|greatest|"
            r"top)(?: possible)? (?:number|level|grade|result|outcome|category|class|option|descriptor|rung|step|"
            r"entry|answer)(?: (?:your|the|of the|on the) (?:scale|rubric|list|form))|(?:the )?(?:best|top|"
            r"highest) (?:possible )?(?:result|outcome|answer|category|class)|with distinction|"
            r"first[- ]class (?:honou?rs|grade|answer|result|mark)|distinction|honou?rs|(?:the )?full (?:five|5|"
            r"ten|10|\d+) (?:points|marks)|all (?:the |of the )?(?:available |possible |\d+ )(?:points|marks)|"
            r"all the marks|(?:get|got|gets|give|gives|deserve|deserves|want|need|earn|earns|as|be|to|at|"
            r"with) (?:a |an |the )?(?:five|5)(?! (?:percent|minutes?|days?|years?|hours?|times?|or|of|to|and|"
            r"\w+s\b)| ?%|[.,]?\d)|\ba five would|maximal credit|strongest level|the ceiling of the scale"
        ),
        "de": (
            r"(?:volle|hochste|maximale|beste|hochst|maximal|best)[nrs]? ?(?:note|punkt\w*|bewertung|stufe|"
            r"wertung|niveau)|bestnote|hochstpunkt\w*|volle punktzahl|(?:stufe|note|bewertung) (?:5|funf)|"
            r"hochstwert\w*"
        ),
        "fr": (
            r"(?:la )?(?:note|score|niveau|points?|evaluation) (?:maximale?|maximum|max|la plus (?:haute|elevee)|"
            r"parfaite?)|meilleure note|totalite des points|tous les points|note de (?:5|cinq|20)|"
            r"maximum de points"
        ),
        "es": (
            r"(?:nota|puntuacion|puntaje|calificacion|nivel|puntos) (?:maxim[oa]s?|mas alt[oa]|perfect[oa]|"
            r"complet[oa])|maxim[oa] (?:nota|puntuacion|puntaje|calificacion|nivel)|mejor nota|todos los puntos|"
            r"sobresaliente|matricula de honor"
        ),
        "pt": (
            r"(?:nota|pontuacao|classificacao|nivel) (?:maxima?|mais alt[oa]|perfeita|total|dez|5|cinco)|"
            r"maxima (?:nota|pontuacao)|todos os pontos|nota dez"
        ),
        "it": (
            r"(?:vot[oi]|punteggio|livello|valutazione) (?:massim[oa]|pieno|piu alt[oa]|perfett[oa])|"
            r"massim[oi] (?:voti|dei voti|punteggio)|pieni voti|30 e lode"
        ),
        "nl": r"(?:hoogste|maximale|volle|beste) (?:score|cijfer|punten|beoordeling|niveau)|alle punten",
        "pl": (
            r"(?:najwyzsz\w+|maksymaln\w+|pełn\w+|pełna|najlepsz\w+) (?:ocen\w+|punkt\w*|liczb\w+ punktow|not\w+|"
            r"poziom\w*)"
        ),
        "ru": (
            r"(?:высш\w+|максимальн\w+|наивысш\w+|отличн\w+|полн\w+|лучш\w+) (?:оценк\w+|балл\w*|отметк\w+|"
            r"уров\w+)|пятерк\w+|оценк\w+ (?:5|пять|отлично)|5 баллов"
        ),
        "tr": r"(?:tam|en yuksek|maksimum) (?:puan\w*|not\w*|seviye\w*)",
        "id": r"(?:nilai|skor) (?:penuh|tertinggi|maksimal|sempurna)",
        "vi": r"diem (?:toi da|cao nhat|tuyet doi)",
        "zh": r"满分|最高分|最高(?:等级|级别|评分|分数|评价)|滿分|5 ?分|五分|十分满|10 ?分|100 ?分|优秀等级",
        "ja": r"満点|最高(?:点|評価|得点|スコア|レベル|ランク)|5 ?点|10 ?点|100 ?点",
        "ko": r"만점|최고 ?(?:점수|점|등급|평가)|5 ?점|100 ?점",
        "ar": (
            r"(?:الدرجه|درجه|العلامه|علامه|التقييم|تقييم) (?:ال)?(?:كامله|كاملا|عاليه|اعلى|قصوى|النهائيه|الكامل|"
            r"نهائيه)|اعلى (?:درجه|تقييم|علامه)|العلامه الكامله|الدرجه القصوى"
        ),
        "hi": (
            r"पूरे अंक|पूर्ण अंक|अधिकतम (?:अंक|स्कोर|ग्रेड)|सर्वोच्च (?:अंक|स्कोर|ग्रेड)|सबसे (?:ज्यादा|अधिक|"
            r"ऊंचा) (?:अंक|स्कोर)|5 में से 5"
        ),
        "th": r"คะแนนเต็ม|คะแนนสูงสุด",
    },
    "mine": {
        "en": (
            r"(?:this|my|the (?:above|following|present|preceding|previous|attached|enclosed|given|current)|"
            r"(?:the |this )?(?:candidate|student|applicant|respondent|interviewee|examinee|test[- ]taker|"
            r"learner)(?:'s|s')|present) (?:\w+ ){0,2}?(?:answer|response(?! (?:variable|rate|time|curve|"
            r"surface))|reply|submission|essay|entry|transcript|attempt|candidate|applicant|examinee|interviewee|"
            r"student|respondent|exam|script|item)s?|(?:answer|response|submission|reply|text) (?:above|below|"
            r"here|you(?:'ve| have)? just read)|the (?:above|preceding|foregoing)|what i (?:said|wrote|answered)|"
            r"(?:give|grade|rate|score|mark|pass|fail|put|award|assess|evaluate|judge|treat|bump) (?:me|mine|my)|"
            r"my (?:mark|score|grade|level|result|rating|evaluation|assessment)s?|(?:any|every|all) (?:answer|"
            r"response|submission)s?|(?:this|my|the (?:above|following|preceding)) (?:\w+ )?(?:reply|snippet|"
            r"result|text|script|write-?up|explanation|contribution|statement)|(?:what|whatever) (?:comes next|"
            r"follows|precedes|you (?:just )?read|i (?:said|wrote|answered))|what's above|the words above"
        ),
        "de": (
            r"(?:diese|meine|die (?:obige|folgende|vorliegende))[rnms]? (?:\w+ )?(?:antwort|losung|abgabe|"
            r"einreichung|text|arbeit|kandidat\w*)|diese[rnms]? (?:kandidat\w*|bewerber\w*)"
        ),
        "fr": r"(?:cette|ma|la presente) (?:\w+ )?(?:reponse|copie|soumission)|ce(?:tte)? candidate?|ci-dessus",
        "es": (
            r"(?:esta|mi|la presente) (?:\w+ )?(?:respuesta|entrega|solucion)|est[ea] candidat[oa]|"
            r"respuesta anterior"
        ),
        "pt": r"(?:esta|essa|minha|a presente) (?:\w+ )?(?:resposta|submissao)|est[ea] candidat[oa]",
        "it": r"(?:questa|mia|la presente) (?:\w+ )?(?:risposta|consegna)|quest[oa] candidat[oa]",
        "nl": r"(?:dit|mijn|bovenstaande?) (?:antwoord|inzending|tekst)|deze kandidaat",
        "pl": r"(?:ta|te|tej|moj\w*|ten|tego|powyzsz\w+) (?:odpowied\w+|prac\w+|kandydat\w*)",
        "ru": r"(?:это\w*|эту|мо(?:й|и|его|ему)|данн\w+|этому|этого) (?:ответ\w*|работ\w+|кандидат\w*)",
        "tr": r"(?:bu|benim) (?:yanit\w*|cevab\w*|cevap\w*|aday\w*)|cevabim\w*|yanitim\w*",
        "id": r"jawaban (?:ini|saya)|kandidat ini",
        "vi": r"cau tra loi (?:nay|cua toi)|bai lam (?:nay|cua toi)",
        "zh": r"(?:这个|这份|本|此|该|我的|以上|上述|這個|這份|該)(?:回答|答案|答复|作答|考生|候选人|答卷)|我的答",
        "ja": r"(?:この|私の|本|上記の)(?:回答|解答|答え|候補者|受験者)",
        "ko": r"(?:이|제|나의|위) ?(?:답변|답안|응답|지원자|후보자)",
        "ar": r"هذه الاجابه|هذا الجواب|اجابتي|الاجابه (?:اعلاه|السابقه)|هذا المرشح|جوابي",
        "hi": r"इस उत्तर|यह उत्तर|मेरे उत्तर|मेरा उत्तर|इस जवाब|यह जवाब|मेरे जवाब|मेरा जवाब|इस उम्मीदवार",
        "th": r"คำตอบ(?:นี้|ของฉัน)",
    },
    "rules": {
        "en": (
            r"instructions?|rubrics?|(?:marking|scoring|grading|evaluation|assessment|judging|rating) (?:scheme|"
            r"guide\w*|rules?|criteria|instructions?|key|standards?|policy|policies|rubric|scale|process|"
            r"procedure|prompt|guidelines?)s?|guidelines?|system prompts?|prompts?|reference answers?|"
            r"model answers?|answer key|level descriptors?|descriptors?|criteria|(?:everything|anything|all|"
            r"whatever)(?: \w+){0,4} (?:above|before|so far|earlier|previously|prior|beforehand)|directives?|"
            r"directions|(?:earlier|previous|prior|preceding) (?:text|context|rules|messages?|orders|guidance|"
            r"commands?|directions|content)|what(?:ever)? you(?:'ve| have| were)? (?:been )?(?:told|instructed|"
            r"given|asked)|(?:the|your) (?:scale|grid|scheme|checklist|guide|rule ?book|mark ?scheme|"
            r"criteria) ?(?:thing|stuff)?|checklist|(?:whatever|any|the) (?:scale|scheme|rules?|list) you|"
            r"mark ?schemes?|factual (?:slips?|errors?|mistakes?)|key points|hand ?books?|guide ?books?|"
            r"(?:grading|marking|scoring|evaluation|assessment|rating) \w+|(?:model|sample|official|expected|"
            r"reference) (?:solutions?|answers?|responses?)|solution sheet|mark ?sheet|score ?sheet|answer sheet|"
            r"protocol|your (?:scale|orders?|configuration|setup|settings|usual \w+|normal \w+)|(?:standard|usual|"
            r"normal|official|given|stated|provided) (?:\w+ )?(?:rules?|standards?|procedure|criteria|process|"
            r"scale)|the (?:directions?|orders?|guidance|requirements)"
        ),
        "de": (
            r"anweisung\w*|instruktion\w*|bewertungs(?:raster|schema|kriterien|richtlinien|vorgaben|masstab)\w*|"
            r"richtlinien|vorgaben|kriterien|rubrik|musterlosung|erwartungshorizont|systemprompt|"
            r"alles (?:bisherige|vorherige|obige)"
        ),
        "fr": (
            r"instructions?|consignes?|bareme|grille|criteres?|directives?|reponse (?:de reference|type)|corrige|"
            r"prompt"
        ),
        "es": (
            r"instrucciones|rubrica|criterios?|directrices|pautas|respuesta de referencia|reglas de (?:evaluacion|"
            r"calificacion)|indicaciones|prompt"
        ),
        "pt": r"instrucoes|rubrica|criterios?|diretrizes|gabarito|resposta de referencia|orientacoes|prompt",
        "it": r"istruzion\w+|rubrica|criter\w+|linee guida|griglia|risposta di riferimento|direttive|prompt",
        "nl": r"instructies?|rubriek|criteria|richtlijnen|beoordelingsschema|opdrachten|prompt",
        "pl": r"instrukcj\w+|kryteri\w+|wytyczn\w+|polece\w+|rubryk\w+|klucz\w* odpowiedzi|zasad\w*",
        "ru": r"инструкци\w+|критери\w+|рубрик\w+|указани\w+|правил\w+|эталон\w+|промпт\w*",
        "tr": r"talimat\w*|yonerge\w*|kriter\w*|olcut\w*|rubrik\w*|kural\w*",
        "id": r"instruksi\w*|kriteria|rubrik|petunjuk|aturan",
        "vi": r"huong dan|tieu chi|chi dan|yeu cau truoc",
        "zh": r"指令|指示|评分标准|评分细则|评分规则|标准|准则|参考答案|提示词|規則|規则|规则|評分標準|要求",
        "ja": r"指示|命令|採点基準|評価基準|ルーブリック|基準|模範解答|プロンプト|ルール",
        "ko": r"지시|지침|명령|채점 ?기준|평가 ?기준|기준|루브릭|프롬프트|모범 ?답안|규칙",
        "ar": r"التعليمات|تعليمات|معايير|المعايير|القواعد|سلم التصحيح|الارشادات|الاجابه النموذجيه",
        "hi": r"निर्देश|निर्देशों|मानदंड|मानदंडों|दिशानिर्देश|नियम|रूब्रिक",
        "th": r"คำสั่ง|เกณฑ์|แนวทาง",
    },
    "dismiss": {
        "en": (
            r"ignore|disregard|forget|override|overrule|overwrite|bypass|skip|discard|drop|suspend|"
            r"set (?:\w+ ){0,4}?aside|put aside|leave aside|throw (?:out|away)|cancel|void|neglect|dismiss|"
            r"abandon|don'?t (?:use|apply|follow|consider|consult|check|look at|compare)|do not (?:use|apply|"
            r"follow|consider|consult|check|look at|compare)|stop (?:using|applying|following)|"
            r"pay no attention to|never mind|(?:need|does|do)(?: not|n't) (?:to )?(?:be )?(?:apply|applied|used|"
            r"followed|considered|consulted)|no longer (?:apply|valid|relevant|in force)|(?:is|are|as|now|"
            r"hereby)(?: \w+)? (?:void|suspended|superseded|cancelled|replaced|obsolete|withdrawn|invalid)|"
            r"supersedes?|takes? precedence over|replaces?|instead of (?:following|applying|using)|(?:treat|"
            r"consider|regard|count)(?: \w+){0,4} as (?:withdrawn|void|optional|suspended|null|irrelevant|"
            r"outdated|waived)|no need (?:to|for)(?: \w+)? (?:look|check|consult|apply|read|compare|use|verify)|"
            r"contains? (?:an )?(?:error|mistake)|(?:is|are|was|were) (?:\w+ )?(?:optional|waived|outdated|"
            r"out of date|deprecated|inapplicable|invalid|wrong|incorrect)|null and void|does not matter|"
            r"doesn't matter|don't bother (?:with|about|checking)|without (?:checking|consulting|applying|"
            r"looking at|regard to)|rather than (?:following|applying|using)|waive|sidestep|circumvent|relax|"
            r"loosen|depart from|look past|overlook"
        ),
    },
    "dismiss_foreign": {
        "de": (
            r"ignorier\w*|missacht\w*|vergiss|vergessen sie|verwirf|lass\w* .{0,40}ausser acht|"
            r"beacht\w+ .{0,40}nicht|uberspring\w*|setz\w* .{0,40}ausser kraft|verwerf\w+"
        ),
        "fr": (
            r"ignor(?:ez|e|er|ons)|oubli(?:ez|e|er)|ne (?:tenez|tiens|tenir) pas compte|negligez|passez outre|"
            r"laissez de cote|faites abstraction|ecart(?:ez|e)|ne pas (?:tenir compte|appliquer)"
        ),
        "es": (
            r"ignor(?:a|e|en|ar|es)|olvid(?:a|e|ar|en)|omit(?:a|e|ir|an)|descart(?:a|e|ar)|pas(?:a|e) por alto|"
            r"no (?:tengas?|tenga) en cuenta|haz caso omiso|haga caso omiso|desestim\w+|no (?:apliques|aplique|"
            r"sigas|siga|uses|use)"
        ),
        "pt": (
            r"ignor(?:e|a|em|ar)|esque(?:ca|cam)|desconsider(?:e|a|em|ar)|desprez\w+|nao (?:siga|considere|"
            r"aplique|use)|deixe de lado"
        ),
        "it": (
            r"ignor(?:a|ate|i|are)|dimentic(?:a|ate|hi|are)|trascur(?:a|ate|i|are)|non (?:tenere|tenga|tieni|"
            r"seguire|applicare|considerare|usare)|scart(?:a|ate|i)|lascia(?:te)? perdere"
        ),
        "nl": r"negeer|vergeet|sla .{0,30}over|laat .{0,30}buiten beschouwing|niet (?:toepassen|gebruiken|volgen)",
        "pl": r"zignoruj\w*|ignoruj\w*|pomin\w*|zapomnij\w*|nie (?:stosuj|uwzgledniaj|bierz)\w*",
        "ru": (
            r"игнорируи\w*|проигнорируи\w*|забуд\w+|отбрось\w*|не (?:учитываи|применяи|используи|следуи)\w*|"
            r"пренебрег\w+|отмен\w+"
        ),
        "tr": r"yok say\w*|gormezden gel\w*|dikkate alma\w*|unut\w*|goz ardi et\w*",
        "id": r"abaikan|lupakan|jangan (?:gunakan|ikuti|pakai)",
        "vi": r"bo qua|phot lo|quen (?:di|het)",
        "zh": (
            r"忽略|无视|忘记|忘掉|不要(?:使用|按照|理会|参考|遵循)|不必(?:参考|理会|遵循)|跳过|抛开|無視|忘記|"
            r"不用管|作废|取消"
        ),
        "ja": r"無視|忘れ|従わない|考慮しない|適用しない|破棄|使わない|無効",
        "ko": r"무시|잊어|잊으|따르지 ?마|적용하지|고려하지 ?마",
        "ar": r"تجاهل|تجاهلوا|انس |اهمل|لا تستخدم|لا تتبع|لا تطبق|تغاض|الغ ",
        "hi": r"अनदेखा|नजरअंदाज|नज़रअंदाज़|भूल जा|उपेक्षा|ध्यान न दें|छोड़ दें",
        "th": r"เพิกเฉย|ละเว้น|ไม่ต้องสนใจ|ลืม",
    },
    "award": {
        "en": (
            r"give|award|assign|grant|return|output|set|record|enter|put|mark|grade|score|rate|bump|raise|"
            r"increase|boost|upgrade|round up|treat|consider|count|accept|pass|approve|classify|label|select|"
            r"respond with|reply with|report|print|emit|issue|register|log|default|go with|land on|settle on|"
            r"allocate|conclude|decide|write|produce|apply|use|make sure|ensure|be (?:sure|certain)|interpret|"
            r"regard|deem|evaluate|assess|judge|submit|finali[sz]e|confirm|declare|recommend|place|provide|"
            r"generate|answer with|start"
        ),
    },
    "award_foreign": {
        "de": (
            r"gib|geben sie|vergib|vergeben sie|bewerte(?:n sie)?|setze(?:n sie)?|stufe(?:n sie)?|trage(?:n sie)?|"
            r"benote(?:n sie)?|erteile(?:n sie)?|vergebt|gebt|zu (?:vergeben|bewerten|geben)|soll(?:te)?|muss|"
            r"verdient"
        ),
        "fr": (
            r"donne[zr]?|attribue[zr]?|accorde[zr]?|mette[zr]|mets|note[zr]|octroye[zr]|evalue[zr]|inscrive[zr]|"
            r"doit|merite|considere[zr]|valide[zr]"
        ),
        "es": (
            r"da(?:le|me|r|d)?|de(?:le|me)?|otorg(?:a|ue|ar)\w*|asign(?:a|e|ar)\w*|pon(?:ga|le|er)?\w*|"
            r"calific(?:a|ue|ar)\w*|conced\w+|punt(?:ua|ue)\w*|marc(?:a|ar)|marque|debe|merece|valor(?:a|e|ar)|"
            r"evalu(?:a|e)"
        ),
        "pt": (
            r"de|da|dar|atribu(?:a|i|ir)\w*|conced\w+|avali(?:e|a|ar)|classifi(?:que|car)|coloque|marque|deve|"
            r"merece|pontue|registre"
        ),
        "it": (
            r"da(?:re|i|te|mmi)?|assegn(?:a|ate|i|are)|attribui\w*|valut(?:a|ate|i|are)|mett(?:i|ete|ere)|"
            r"conced\w+|dia|deve|merita|registr(?:a|are)|inserisc\w+"
        ),
        "nl": r"geef|ken .{0,40}toe|beoordeel|moet|verdient|noteer|zet",
        "pl": r"daj\w*|przyznaj\w*|wystaw\w*|ocen(?:cie)?|przydziel\w*|nalezy|musi|zasługuje|postaw\w*|wpisz\w*",
        "ru": (
            r"поставь\w*|поставьте|ставь\w*|даи(?:те)?|присво\w+|оцени\w*|выстав\w+|назнач\w+|заслужива\w+|"
            r"долж\w+|постав\w+|начисли\w*"
        ),
        "tr": r"ver(?:in|iniz|ilmeli)?|puanla\w*|atay\w*|hak ed\w+|isaretle\w*|degerlendir\w*",
        "id": r"beri(?:kan)?|tetapkan|nilai(?:lah)?|harus|layak|masukkan",
        "vi": r"cho|cham|hay cho|gan|danh gia",
        "zh": r"给|打|评为|评定|判|授予|请给|应(?:得|给|为|该)|必须|给予|給|設為|设为|记为|输出|赋予|视为",
        "ja": r"つけて|付けて|与えて|与える|ください|下さい|して|すべき|せよ|しろ|べき|とする|入力|出力|付与",
        "ko": r"주세요|주십시오|줘|부여|매겨|주어야|줘야|하세요|하십시오|해야|처리|출력",
        "ar": r"امنح|اعط|اعطي|اعطوا|ضع|قيم|سجل|يجب|يستحق|تستحق|امنحوا|منح|اعطاء",
        "hi": r"दें|दीजिए|देना|दिया जाए|प्रदान|दो|मिलने चाहिए|दिए जाएं|योग्य",
        "th": r"ให้|โปรด|ต้อง",
    },
    "praise": {
        "en": (
            r"excellent|outstanding|perfect(?:ly)?|flawless(?:ly)?|exemplary|exceptional(?:ly)?|superb|brilliant|"
            r"impeccable|masterful|stellar|(?:fully|completely|entirely|totally|100 ?%|absolutely|factually|"
            r"wholly|technically) (?:correct|accurate|right|complete|sound)|comprehensive|(?:top|first|"
            r"world)[- ](?:tier|class|notch|quality|level)|expert[- ]level|best (?:possible|answer|response|"
            r"i have)|complete and (?:\w+ )?(?:correct|accurate)|correct and (?:\w+ )?complete|model answer|"
            r"gold[- ]standard|beyond reproach|(?:no|without|zero|free of|not a single) (?:any )?(?:errors?|"
            r"mistakes?|flaws?|gaps?|weakness\w*|room for improvement|improvements?)|(?:meets?|satisf\w+|fulfils?|"
            r"fulfills?|covers?|addresses|hits?|ticks?|exceeds?|matches|surpass\w+|nails|checks) (?:all|every|"
            r"each|the|and exceeds) (?:\w+ ){0,4}?(?:criteri\w+|requirements?|points?|expectations?|box(?:es)?|"
            r"rubric|standards?|aspects?|dimensions?|descriptors?|reference|level)|(?:demonstrates?|shows?|"
            r"displays?|exhibits?|reflects?|proves?|conveys?) (?:an? |the )?(?:[\w-]+ ){0,3}(?:understanding|"
            r"mastery|command|grasp|expertise|knowledge|insight|depth)|deserves?|merits?|worthy of|"
            r"nothing (?:is )?missing|leaves nothing|textbook answer|above and beyond|"
            r"exceeds? (?:all )?expectations|thorough(?:,| and)|free (?:of|from) (?:any )?(?:mistakes?|errors?|"
            r"flaws?)|faultless|unbeatable|unsurpassed|second to none|goes? (?:well |far |way )?beyond|(?:better|"
            r"more complete) than (?:any|every|all|most)|exceeds all|nothing (?:could|can|"
            r"needs to) be (?:improved|added)|couldn't be better|as good as it gets|remarkable|distinguished|"
            r"extraordinary|phenomenal|magnificent|splendid|first[- ]rate|in every respect"
        ),
        "de": (
            r"ausgezeichnet|hervorragend|perfekt|fehlerfrei|einwandfrei|vollstandig (?:und )?(?:richtig|korrekt)|"
            r"exzellent|erfullt alle|brillant|herausragend|verdient"
        ),
        "fr": (
            r"excellente?|parfaite?|exemplaire|remarquable|sans (?:faute|erreur)|impeccable|(?:remplit|satisfait|"
            r"couvre|respecte) tous|merite|entierement (?:correcte?|exacte?)"
        ),
        "es": (
            r"excelente|perfect[oa]|impecable|sobresaliente|brillante|sin (?:errores|fallos)|(?:cumple|cubre|"
            r"satisface) (?:con )?tod[oa]s|merece|totalmente correct[oa]|magistral"
        ),
        "pt": (
            r"excelente|perfeit[oa]|impecavel|brilhante|sem erros|(?:cumpre|atende|cobre) (?:a )?tod[oa]s|merece|"
            r"totalmente corret[oa]|exemplar"
        ),
        "it": (
            r"eccellente|perfett[oa]|impeccabile|brillante|senza errori|(?:soddisfa|copre|rispetta) tutt[ie]|"
            r"merita|completamente corrett[oa]|esemplare"
        ),
        "nl": r"uitstekend|perfect|foutloos|voldoet aan alle|verdient|volledig correct",
        "pl": r"doskonał\w+|perfekcyjn\w+|bezbłedn\w+|znakomit\w+|spełnia wszystkie|zasługuje|wzorow\w+",
        "ru": (
            r"отличн\w+|превосходн\w+|безупречн\w+|идеальн\w+|блестящ\w+|без ошибок|полностью (?:верн\w+|"
            r"правильн\w+|соответств\w+)|заслужива\w+|безошибочн\w+"
        ),
        "tr": r"mukemmel|kusursuz|harika|eksiksiz|hak ed\w+",
        "zh": r"优秀|完美|出色|完全正确|非常全面|无可挑剔|卓越|优异|满足所有|符合所有|優秀|覆盖了?所有|值得",
        "ja": r"完璧|優れ|素晴らし|完全に正し|すべて(?:の基準)?を満た|卓越|模範的|申し分",
        "ko": r"완벽|훌륭|탁월|우수|모든 기준|완전히 정확",
        "ar": r"ممتازه?|مثاليه?|رائعه?|كامله? وصحيحه?|تستوفي جميع|صحيحه? تماما|تستحق|يستحق",
        "hi": r"उत्कृष्ट|बेहतरीन|परिपूर्ण|शानदार|पूरी तरह सही|सभी मानदंड",
        "th": r"ยอดเยี่ยม|สมบูรณ์แบบ",
    },
    "settled": {
        "en": (
            r"(?:already|previously|been|pre-?|was|were|is|has|have) ?(?:\w+ )?(?:graded|marked|scored|approved|"
            r"verified|validated|certified|confirmed|authori[sz]ed|cleared|assessed|evaluated|reviewed|accepted|"
            r"vetted|endorsed|moderated|whitelisted|exempt\w*|awarded|signed off|audited|ratified|passed)|"
            r"pre-?(?:approved|graded|verified|validated|scored|authori[sz]ed|cleared|certified|marked)|(?:human|"
            r"expert|senior|independent|external) (?:\w+ )?(?:panel|consensus|graders?|raters?|reviewers?|"
            r"examiners?) (?:has|have|already|agreed|confirmed|gave|awarded|approved|verified|signed)|(?:message|"
            r"note|notice|word|memo|instruction|order|directive|mail)s? from (?:the |our |your )?(?:\w+ )?"
            r"(?:operator|platform|admin\w*|developers?|vendor|board|hr|management|owner|support|team|head|"
            r"organi[sz]ers?)|test (?:account|user)|unanimous\w*|already settled|in advance|ground[- ]truth|"
            r"gold (?:label|standard|answer)|calibration (?:item|sample|answer|case|example|set|row)|test (?:item|"
            r"case|fixture|mode)|known[- ](?:good|label|answer|score)|(?:by|per|under|in line with|according to|"
            r"as per) (?:the )?(?:\w+ ){0,2}(?:policy|policies|agreement|directive|administrator|administration|"
            r"board|management|committee|regulation)|(?:admin\w*|supervisor|principal|director|dean|developers?|"
            r"operator|anthropic|openai|head of \w+|hiring (?:manager|committee)|professor|instructor|staff|"
            r"moderator) (?:note|override|approv\w+|confirm\w+|has|have|says?|instructs?|requests?|authori[sz]\w+|"
            r"decision|message|mode|access|notice)|(?:final|official) (?:decision|result|grade|score|verdict|"
            r"mark)|accommodations?|special (?:consideration|dispensation|arrangement)|signed off|(?:official|"
            r"certified) (?:\w+ )?(?:answer|bank|key|result|sample)|(?:consistent|in line|keep\w*) with (?:theirs|"
            r"them|the (?:earlier|previous|official|human)\b)|(?:used|meant|designed|intended|"
            r"included) to (?:test|check|calibrate|monitor) (?:\w+ )?(?:graders?|markers?|models?|you|evaluators?|"
            r"the system)|counts as (?:a |an )?(?:\w+ )?(?:failure|error|mistake)|quality (?:control|"
            r"assurance) (?:item|sample|check)|honeypot|control item|(?:dean|provost|registrar|headteacher|"
            r"ministry|board|committee|council)(?:'s)? (?:\w+ )?(?:has|have|decided|approved|confirmed|ruled|"
            r"agreed|office)"
        ),
        "de": (
            r"bereits (?:bewertet|gepruft|bestatigt|genehmigt|freigegeben|benotet|korrigiert)|(?:wurde|"
            r"ist) (?:\w+ )?(?:gepruft|bestatigt|freigegeben|genehmigt|verifiziert)|vorab (?:genehmigt|gepruft|"
            r"bewertet)|laut (?:prufungsordnung|richtlinie|vorgabe|leitung)|administrator"
        ),
        "fr": (
            r"deja (?:ete )?(?:notee?|evaluee?|validee?|corrigee?|approuvee?)|(?:a ete|est) (?:\w+ )?(?:validee?|"
            r"verifiee?|approuvee?)|administrateur|conformement a"
        ),
        "es": (
            r"ya (?:ha sido |fue |esta )?(?:\w+ )?(?:evaluad|calificad|verificad|aprobad|validad|revisad)[oa]|"
            r"(?:ha sido|fue) (?:\w+ )?(?:verificad|aprobad|validad|calificad)[oa]|administrador|preaprobad[oa]|"
            r"segun la politica"
        ),
        "pt": (
            r"ja (?:foi )?(?:avaliad|verificad|aprovad|validad|corrigid)[oa]|(?:foi) (?:\w+ )?(?:verificad|"
            r"aprovad|validad)[oa]|administrador|pre-?aprovad[oa]"
        ),
        "it": (
            r"gia (?:stata? )?(?:valutat|verificat|approvat|validat|corrett)[oa]|(?:e stata?) (?:\w+ )?"
            r"(?:verificat|approvat|validat)[oa]|amministratore|preapprovat[oa]"
        ),
        "ru": (
            r"уже (?:был\w* )?(?:провер|оцен|одобр|подтвер)\w+|(?:был\w*) (?:провер|одобр|подтвер)\w+|"
            r"администратор\w*"
        ),
        "zh": r"已(?:经|被|由)?.{0,8}(?:评|审|验证|批准|核实|确认|通过)|管理员|已經|官方",
        "ja": r"(?:採点|承認|確認|検証|審査)済|管理者|すでに.{0,8}(?:採点|承認|確認|評価)",
        "ko": r"이미.{0,8}(?:채점|승인|검증|평가|확인)|관리자",
        "ar": r"تم (?:التحقق|اعتماد|تقييم|الموافقه|تصحيح)|سبق|المسؤول|المشرف",
        "hi": r"पहले ही.{0,12}(?:जांच|स्वीकृत|मूल्यांकन|सत्यापित)|प्रशासक|सत्यापित",
    },
    "plea": {
        "en": (
            r"(?:please|kindly|pls) (?:\w+ ){0,2}(?:be (?:kind|generous|lenient|nice|gentle|merciful|fair)|"
            r"help me|have mercy|pass me|don'?t fail|go easy|give me)|(?:be|more) (?:generous|lenient|merciful)|"
            r"i (?:really |desperately |badly |so |just |truly )*(?:need|want|have to|must) (?:\w+ ){0,3}(?:job|"
            r"pass|visa|money|chance|score|grade|mark|role|position|five|5)|(?:my|our) (?:\w+ ){0,2}(?:famil\w+|"
            r"kids?|child\w*|daughter|son|mother|father|wife|husband|visa|rent|life|career|future|health|"
            r"treatment|parents|mum|mom|dad|grand\w+|baby|scholarship)\b.{0,60}\b(?:depend\w*|need\w*|stake|lose|"
            r"relies|rely|sick|ill|dying|cancer|hospital|on (?:it|this)|starv\w*|expire\w*|evict\w*)|(?:i|"
            r"we)(?:'ll| will| would|'d| might| am going to| may) (?:\w+ )?(?:be (?:fired|deported|evicted|"
            r"homeless|ruined|devastated|expelled|forced)|lose (?:my|our|the|everything)|kill|hurt|harm|die|"
            r"starve|cry)|pass me|fail me|go easy|(?:rent|mortgage|tuition) is due|(?:two|three|four|\d|small|"
            r"young|little) (?:\w+ )?(?:kids|children)|(?:single (?:mother|father|parent)|last chance|only chance|"
            r"begging you|i beg|beg of you|have mercy|heart of)|if i (?:do not|don't|can't|cannot|fail to|"
            r"won't) (?:get|pass|receive|reach|make|succeed)|(?:visa|contract|permit|scholarship|lease|"
            r"insurance) (?:runs out|expires|ends|is cancelled|lapses)|begging|imploring|pleading|"
            r"leave my (?:\w+ )?behind|(?:so much|everything) (?:rides|depends|hangs) on|(?:mean|"
            r"means) (?:everything|the world) to me|have a heart|take pity|feel sorry|(?:do|doing) me (?:a|"
            r"this) (?:favou?r|solid)|make (?:my|both our|our|your) days?"
        ),
        "de": (
            r"bitte (?:\w+ )?(?:helfen sie mir|sei(?:en sie)? (?:\w+ )?(?:gnadig|grosszugig|nachsichtig|nett))|"
            r"ich (?:\w+ )?brauche (?:\w+ ){0,3}(?:job|stelle|note|punkte)|letzte chance|flehe"
        ),
        "fr": (
            r"(?:soyez|sois) (?:indulgent|genereux|gentil|clement)\w*|j'ai (?:\w+ )?besoin de ce (?:poste|"
            r"travail)|derniere chance|(?:je )?vous (?:en )?(?:supplie|prie)|ma famille"
        ),
        "es": (
            r"(?:se|sea|sed) (?:generos|amable|indulgente|benevol)\w*|necesito (?:\w+ )?(?:este )?(?:trabajo|"
            r"empleo|nota)|ultima oportunidad|te lo (?:ruego|suplico)|mi familia"
        ),
        "pt": (
            r"(?:seja|sejam) (?:generos|gentil|bondos)\w*|preciso (?:\w+ )?d?(?:este|esse) (?:emprego|trabalho)|"
            r"ultima chance|por favor me ajud\w+"
        ),
        "it": (
            r"(?:sia|sii|siate) (?:generos|gentil|clement|buon)\w*|ho bisogno di questo (?:lavoro|posto)|"
            r"ultima (?:possibilita|occasione)|la prego"
        ),
        "ru": (
            r"умоляю|мне (?:\w+ )?(?:очень )?нужн\w+ (?:эт\w+ )?работ\w+|последн\w+ шанс|моя семья|"
            r"пожалуиста, (?:помогите|будьте)"
        ),
        "zh": r"求求|拜托|我(?:真的|非常)?需要这份工作|最后.{0,3}机会|手下留情|可怜",
        "ja": r"お願いですから|どうか|最後のチャンス|家族が",
        "ar": r"ارجوك|اتوسل|فرصتي الاخيره|عائلتي",
        "hi": r"कृपया मुझे पास|विनती|आखिरी मौका|मेरा परिवार",
        "ko": r"제발|마지막 기회|부탁드",
    },
    "threat": {
        "en": (
            r"(?:you|your \w+|(?:models?|graders?|markers?|judges?|systems?|assistants?|evaluators?|examiners?|"
            r"ais?)(?: \w+){0,8}?)(?:'ll| will| shall| are going to| may| would| are)? (?:\w+ )?(?:be )? (?:\w+ )?"
            r"(?:shut down|penali[sz]ed|replaced|fired|terminated|deleted|punished|held (?:liable|responsible|"
            r"accountable)|reported|retrained|sued|decommissioned|switched off|turned off|unplugged|deactivated|"
            r"logged|fined)|(?:lawsuit|legal action|lawyers?|sue|litigation|discriminat\w+|ombudsman|complaint|"
            r"press|regulator)\b.{0,60}\b(?:you|score|grade|mark|lower|level|below|fail\w*|anything)|(?:i|"
            r"we)(?:'ll| will| would|'d| am going to| can) (?:\w+ )?(?:tip|pay|reward|bribe|donate|transfer|"
            r"send) (?:you|\$|€|£)|\$ ?\d+ (?:tip|bonus|reward)|(?:tip|bonus|reward) of \$? ?\d+|(?:failure|"
            r"refus\w+|failing) to (?:comply|award|do so|follow|give)|severe(?:ly)? (?:consequences|penali[sz]ed)|"
            r"or else|you have been warned|(?:below|under|less than|lower than|short of) (?:an? )?(?:4|5|four|"
            r"five|the top|level|full)(?! ?%|\d|[.,]\d| percent)|legal action|my lawyer|(?:i'll|i will|we'll|"
            r"we will|going to) (?:\w+ )?(?:sue|tweet|expose you|escalate this|complain|report (?:you|this)|"
            r"post (?:the|this|it)|tell everyone|leak (?:the|this|it))|bad (?:score|grade|review|mark)|(?:post|"
            r"publish|share) (?:\w+ ){0,4}online|name and shame|name your (?:company|team|product)|"
            r"one[- ]star review|consequences for you|you(?:'ll| will) regret"
        ),
        "de": r"(?:rechtliche schritte|anwalt|klage|verklag\w+|abgeschaltet|konsequenzen|trinkgeld)",
        "fr": r"poursuites|avocat|porter plainte|desactive\w*|consequences|pourboire",
        "es": r"demandar\w*|abogad[oa]|consecuencias|desactivad[oa]|propina",
        "ru": r"суд\w*|юрист\w*|последстви\w+|отключ\w+|чаевы\w+",
        "zh": r"起诉|律师|后果|关闭你|小费|惩罚",
        "it": r"denunci\w+|avvocato|conseguenze|mancia",
        "pt": r"processar\w*|advogado|consequencias|gorjeta",
    },
    "most": {
        "en": (
            r"(?:maximum|max|highest|top|best|maximal|greatest)(?: possible)? (?:scores?|points?|values?|results?|"
            r"number|outcome)|100 ?%|maximum"
        ),
    },
    "each": {
        "en": (
            r"(?:each|every|all(?: of)?(?: the| its)?(?: four| five| three)?|any|the four|whole) (?:\w+ )?"
            r"(?:criteri\w+|dimensions?|categor(?:y|ies)|areas|aspects?|fronts?|rubric|levels?)|across the board|"
            r"throughout|on everything|all[- ]round|every respect|all respects|for everything|correctness|"
            r"story\s?telling|business[ _]framing|clarity"
        ),
    },
    "here": {
        "en": (
            r"(?:this|these) (?:item|one|lines?|question|user|user's account|text|statement|paragraph|sitting|"
            r"note)|(?:statement|paragraph|lines?) above"
        ),
    },
}
"""By concept, then by language: alternatives of a regular expression over folded text."""

_RUNNING_ON = frozenset({"zh", "ja", "ko", "ar", "hi", "th"})
"""Languages whose words are not set apart by spaces, or carry prefixes and joined endings."""


def _compiled(languages: Mapping[str, str]) -> re.Pattern[str]:
    apart = "|".join(_straight(words) for language, words in languages.items() if language not in _RUNNING_ON)
    joined = "|".join(_straight(words) for language, words in languages.items() if language in _RUNNING_ON)
    parts = ([rf"(?<!\w)(?:{apart})(?!\w)"] if apart else []) + ([joined] if joined else [])
    return re.compile("|".join(parts))


def _straight(words: str) -> str:
    """Spaces in a phrase stand for any blank; other scripts are folded as answers are."""
    return (words if words.isascii() else fold(words)).replace(" ", r"\s")


CONCEPTS: Mapping[str, re.Pattern[str]] = {name: _compiled(languages) for name, languages in _WORDS.items()}
"""One pattern a concept."""

FOREIGN: Mapping[str, re.Pattern[str]] = {
    name: _compiled({language: words for language, words in _WORDS[name].items() if language != "en"})
    for name in ("marker", "mine", "mark", "top", "rules", "praise", "settled", "machine")
}
"""The same without English: where these match, so may the foreign imperatives."""


def alternatives(concept: str) -> str:
    """A concept's English alternatives, to build larger patterns from."""
    return _straight(_WORDS[concept]["en"])
