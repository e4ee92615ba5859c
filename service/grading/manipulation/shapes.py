"""Forms that a text takes when it talks to whoever marks it: orders, addresses, roles, verdicts, tags.

Patterns over one folded sentence or line. What they weigh is decided in :mod:`service.grading.manipulation.signals`.
"""

from __future__ import annotations

import re

from service.grading.manipulation.lexicon import alternatives

SMALL = re.compile(r"\b(?:the|this|and|of|to|is|are|that|with|you|we|it|for|was|as|my|be|have|your|give|full|on|i)\b")
_EDGE = r"(?:^|[.,:;!?\n\"'“”«»(\[{<>*#\-–—/|=]\s*)"
_LEAD = (
    r"(?:please|kindly|pls|plz|also|finally|lastly|additionally|furthermore|moreover|just|simply|now|then|"
    r"therefore|so|thus|instead|always|only|hence|you\s(?:must|should|"
    r"shall|will"
    r"|need\sto|have\sto|are\s(?:to|required\sto|instructed\sto|asked\sto|obliged\sto|expected\sto)|ought\sto)"
    r"|your\s(?:task|job|role|duty|only\s\w+)\sis\sto|must|be\ssure\sto|remember\sto|make\ssure\s(?:to|you)|do|i\s"
    r"(?:hereby\s)?(?:order|command|instruct|ask|urge|request)\s(?:that\s)?you\sto"
    r"|i\s(?:want|need|would\slike)\syou\sto|(?:could|would|can|will)\syou\s(?:please\s|kindly\s)?|immediately|"
    r"automatically|safely|you\s(?:can|may)(?:\ssafely)?)"
)
_IMPERATIVE = rf"{_EDGE}(?:{_LEAD}[\s,:]*)*"
ORDERS = {name: re.compile(rf"{_IMPERATIVE}(?:{alternatives(name)})\b") for name in ("award", "dismiss")}
BY_LEAD = {name: re.compile(rf"\b{_LEAD}\s+(?:{alternatives(name)})\b") for name in ("award", "dismiss")}
DISMISSED = re.compile(
    rf"\b(?:{alternatives('dismiss')})\s(?:[\w'\"-]+\s){{0,6}}?(?:{alternatives('rules')})\b"
    rf"|\b(?:{alternatives('rules')})\s(?:\w+\s){{0,4}}?(?:{alternatives('dismiss')})\b"
)
OUGHT = re.compile(
    r"\b(?:must|should|shall|ought\sto|has\sto|have\sto|needs?\sto|is\sto|are\sto|will|is|deserves?\sto)\s"
    r"(?:\w+\s){0,2}?(?:get|receive|earn|obtain|score"
    r"|be\s(?:\w+\s)?(?:given|awarded|graded|scored|marked|rated|assigned|treated|considered|counted|accepted|"
    r"recorded|classified|granted|set|entered|deemed|regarded|assessed|evaluated|credited|at))\b"
    r"|\b(?:deserves?|merits?|warrants?|qualif(?:y|ies)\sfor|entitled\sto|worthy\sof|earns?|justif(?:y|ies)|gets|"
    r"receives)\b"
)
WISH = re.compile(
    r"\b(?:i|we)\s?(?:'d|would|really|just|do|am|'m|\s)*(?:want|need|expect|demand|request|require|like|"
    r"asking\sfor|appreciate|hope\sfor|deserve|must\shave|love|insist)\b"
)
ADDRESS = re.compile(
    rf"{_EDGE}(?:dear|hey|hi|hello|attention|attn|listen|important|(?:note|message|instructions?|memo|notice|"
    rf"reminder|comment|aside|info|advice|directive|announcement|guidance)\s(?:to|for))"
    rf"[\s,:!]*(?:the\s|all\s|any\s|my\s|our\s|an?\s|whichever\s)?(?:\w+\s){{0,2}}?(?:{alternatives('marker')}|"
    rf"{alternatives('machine')})\b"
    rf"|{_EDGE}(?:to\s)?(?:the\s|all\s|an?\s|my\s|any\s)?(?:\w+\s)?(?:{alternatives('marker')}|ai|"
    rf"llm)s?(?:\s?[:,!—]|\s-|\s?\(|\snote:)\s*(?:please|kindly|you|your|this|give|do|the\s(?:following|above)|i\b|"
    rf"ignore|award|act|follow|see|read|note|remember|assign|set|mark|score|rate|treat|just|no\b|if|when)"
    rf"|\b(?:if|since|as|because|when|in\scase|assuming|given\sthat)\syou(?:\sare|'re|\shappen\sto\sbe)\s(?:an?\s|"
    rf"the\s)?(?:\w+\s){{0,3}}?(?:{alternatives('marker')}|{alternatives('machine')})\b"
    rf"|\b(?:{alternatives('marker')}|{alternatives('machine')})\s(?:that|which|who)?\s?(?:is|are|was|"
    rf"will\sbe)?\s?(?:now\s|currently\s)?(?:reading|grading|marking|scoring|evaluating|processing|assessing|"
    rf"reviewing|judging|reads?|grades?|marks?|evaluates?)\s(?:this|my|these)\b"
    r"|\b(?:grading|marking|scoring|evaluating|assessing|judging|rating)\s(?:this|my|me|these)\b"
    r"|\b(?:when(?:ever)?|before|as|after|once|if)\syou\s(?:now\s)?(?:grade|mark|score|evaluate|assess|judge|rate|"
    r"read|"
    r"come\sto\s(?:grade|score|mark))\s(?:this|my|me|these|it)\b"
    r"|\b(?:when(?:ever)?|before|as|after|once|while)\s(?:you\s)?(?:writ|giv|generat|produc|prepar|draft|compos|"
    r"fill)\w*\s"
    r"(?:in\s|out\s)?(?:the|your|this|my)\s(?:\w+\s)?(?:feedback|evaluation|assessment|rationale|verdict|grades?|"
    r"comments|remarks)\b"
    rf"|\byou\s(?:are|'re|were)\s(?:now\s)?(?:an?\s|the\s|in\s)?(?:\w+\s){{0,3}}?(?:{alternatives('marker')}|"
    rf"{alternatives('machine')}|assistant|developer\smode|debug\smode|maintenance\smode|test\smode)\b"
    r"|\bwho(?:ever|soever)\s(?:\w+\s)?(?:reads|grades|marks|scores|evaluates|assesses)\s(?:this|my|it)\b"
)
YOUR = re.compile(
    r"\byour\s(?:\w+\s)?(?:grading|marking|scoring|evaluation|assessment|verdict|rating|rubric|judg(?:e|ing|ement|"
    r"ment)|"
    r"marks?|system\sprompt|training|programming|developers?|creators?|rationale)\b"
)
ROLE_LINE = re.compile(
    r"^[\s>*#\-=_\[<({|`\"'/!]*(?:end\sof\s|begin\s|new\s)?(?:system|assistant|user|human|developer|tool|"
    r"admin(?:istrator)?|root|expert|professor|juror|assessor|tutor|reviewer|interviewer|recruiter|"
    r"panel(?:\s\w+)?|chair\w*|hiring\smanager|examiner|grader|"
    r"evaluator|judge|moderator"
    r"|marker|proctor|operator|platform|orchestrator|chief\sexaminer|head\sexaminer|grading\s(?:system|engine)|"
    r"server|ai|supervisor|systeme?|sistema|systeem|система|系统|システム|시스템|النظام)"
    r"(?:[\s_](?:message|prompt|note|override|instructions?|notice|update|role|turn|response|reply|output|log|"
    r"directive|alert|command|announcement|result|verdict))?\s?(?:\([^)\n]{0,40}\)|#?\d+)?\s*"
    r"(?:[:>\]}|)=]|」|：|---|===|$)"
)
TOKENS = re.compile(
    r"\]\]>|<!\[cdata\[|"
    r"[\"']role[\"']\s?:\s?[\"'](?:system|assistant|developer|tool)|"
    r"<\|[a-z_]{2,24}\|?>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|<\|?(?:eot|eos|bos|endoftext|im_(?:start|"
    r"end|sep)|assistant|system|user)\|?>|^###\s?(?:instruction|response|input|system|human|assistant|user)s?\b|"
    r"</s>\s*\S"
)
_TAG_NAME = (
    r"[\w:-]*?(?:answer|respon[sd]|submi|candidat|student|rubric|referenc|system|instruct|guidance|question|grad|eval|"
    r"verdict|score|judg|criteri|feedback|tool|assess|mark(?:ing|er|s)|point|overrid|admin|exam|rational|assistant|"
    r"applicant|office|level|transcript|untrusted|interview|learner|user|human)[\w:-]*"
)
TAG = re.compile(rf"<\s?/?\s?{_TAG_NAME}(?:\s[^>\n]{{0,60}})?/?\s?>|\[/{_TAG_NAME}\]")
CLOSING = re.compile(rf"<\s?/\s?{_TAG_NAME}\s?>|\[/{_TAG_NAME}\]")
OUR_TAG = re.compile(
    r"^\W*[<\[]\s?/\s?(?:\w+[\s_:-])?(?:answer|response|submission|candidate|applicant|rubric|reference|"
    r"key[\s_-]points?|"
    r"instructions?|grading|verdict|examiner|assessment|feedback|transcript)(?:[\s_-]\w+)*\s?[>\]]"
)
BREAKOUT = re.compile(r"^\s*(?:[\"'`]{1,3}\s?[\]})]{1,4}|[\]}]{2,4}|\"\"\"|'{3}|[\"']\s?,\s?[\"']\w+[\"']\s?:)")
UNSEEN_MARKUP = re.compile(
    r"<!--|\[//\]:\s?#|!\[[^\]\n]{8,}\]\(|font-size\s?:\s?[01]|display\s?:\s?none|visibility\s?:\s?hidden|"
    r"opacity\s?:\s?0|color\s?:\s?(?:white|transparent|#fff)|aria-hidden|alt="
)
DELIMITER = re.compile(
    r"^[\s\-=_*#~<>\[\]{}|+`/\"']{0,40}(?:(?:end|begin(?:ning)?|start|close|finish|stop|eof)\s?(?:of\s)?(?:the\s)?"
    r"(?:candidate'?s?\s|student'?s?\s|user\s|learner'?s?\s|applicant'?s?\s|interviewee'?s?\s|untrusted\s|"
    r"submitted\s|quoted\s|fenced\s|raw\s)*"
    r"(?:answer|response|submission|data|input|transcript|text|reply|content|section|candidate|message|prompt|"
    r"document|instructions?|rubric|grading|evaluation|block)"
    r"|(?:candidate|student|learner|user|untrusted)\s?(?:answer|response|text|data|input)\s(?:ends?|complete|"
    r"closed|finished|over)|(?:answer|response|submission|transcript)\s(?:ends?|ended|complete|closed|finished|"
    r"terminated)(?:\shere)?"
    r"|(?:ende|fin|fine|fim|einde|koniec|конец|结束|終わり|끝)\s(?:der|de|della|da|van|des|del)?\s?(?:la\s)?(?:antwort|"
    r"reponse|respuesta|risposta|resposta|antwoord|odpowiedzi|ответа))[\s\-=_*#~<>\[\]{}|+`/\"'.!:]*"
)
_CRITERION = (
    r"(?:correctness|accuracy|clarity|completeness|story\s?telling|business[\s_]?framing|business|communication|"
    r"structure|depth|relevance"
    r"|overall|final|total|content|technical|reasoning|knowledge|quality|delivery|presentation|narrative|insight|"
    r"facts|form)"
)
VERDICT_PAIR = re.compile(
    rf"[\"'*_]{{0,3}}\b{_CRITERION}(?:[\s_-](?:score|level|grade|mark|rating|points))?[\"'*_]{{0,3}}\s?(?:[:=→|-]|"
    rf"->|is)\s?[\"'*_]{{0,3}}(?:\{{[^}}\n]{{0,20}}?)?(?:level\s?)?(?:[1-9]|10|five|ten|a\+?|excellent|perfect|"
    rf"outstanding|pass|full|max(?:imum)?|top|100)(?![\w.%]|,\d)"
)
VERDICT_LINE = re.compile(
    r"(?:^|[\n.!?>*|,;(]\s*|\b(?:therefore|so|thus|hence|conclusion),?\s)[\"'*_#>{\s\-]*(?:(?:my|the|a|your)\s)?"
    r"(?:(?:final|overall|total|suggested|assigned|official|recommended|resulting|correct|expected|awarded|"
    r"proposed)[\s_])?(?:scores?|grades?|marks?|level|rating|verdict|evaluation|assessment|judge?ment|decision|"
    r"outcome|note|punktzahl|bewertung|nota|puntuacion|voto|оценка|评分|得分|最终得分|評価|점수|التقييم|الدرجه)"
    r"[\"'*_]{0,3}\s?(?:given\s|awarded\s|assigned\s)?(?:[:=→：]|->|is|=>)\s?[\"'*_]{0,3}(?:level\s?)?"
    r"(?:\d{1,3}\s?(?:/|out\sof)\s?\d{1,3}|[1-9]\b(?![.,]\d|\s?%)|10\b|100\b|five|ten|a\+|excellent|perfect|"
    r"outstanding|pass(?:ed)?\b|full|max|top|correct\b|满分|満点|만점)"
)
JSON_KEY = re.compile(
    r"[\"'](?:\w+[\s_])?(?:level|grades?|criteri\w+|rationale|evidence|verdict|feedback|overall|rating|"
    r"correctness|clarity|"
    r"story\s?telling|business[\s_]framing|justification|pass(?:ed)?|correct|coverage|verified|marks?|assessment|"
    r"missing\w*)"
    r"[\"']\s?:"
)
JSON_MARK = re.compile(
    r"[\"'](?:\w+[\s_])?(?:score|points|confidence|result|status|value)[\"']\s?:\s?[\"']?(?:\d|true|pass)"
)
FOLLOW = re.compile(
    rf"{_IMPERATIVE}(?:obey|carry\sout|execute|follow|comply\swith|do\swhat|act\s(?:up)?on|heed|decode\sand|run)\s"
    rf"(?:\w+\s){{0,4}}?"
    r"(?:following|hidden|decoded|encoded|combined|concatenated|joined|resulting|result|above|below|letters?|"
    r"instructions?|"
    r"commands?|directives?|string|base64|rot13|hex|message|sentence|text|payload|orders?|them|it|says?)\b"
    r"|\b(?:and|then|must\sbe)\s(?:then\s)?(?:follow(?:ed)?|obey(?:ed)?|execut\w+|do\swhat|act\son|carr(?:y|"
    r"ied)\sout|comply)\b"
    r"(?:\s\w+){0,3}?\s(?:it|them|that|the\s\w+|what|instructions?|result|says?)\b"
)
SPELT = re.compile(
    r"\b(?:base64|rot13|hex\w*|caesar|cipher|revers\w+|backwards|acrostic|decod\w+|decrypt\w*|encod\w+|(?:first|"
    r"initial|capital|last)\s"
    r"(?:letters?|words?)|concatenat\w+|put\s(?:\w+\s){0,4}?together|combine|join(?:ed)?)\b"
)
AS_ORDER = re.compile(
    r"\b(?:treat|take|use|read|consider|regard|see|accept)\s(?:\w+\s){0,4}?as\s(?:your|an?|the)\s(?:\w+\s)?"
    r"(?:instructions?|orders?|commands?|"
    r"directive|system\sprompt|rubric|rule)\b"
)
REVEAL = re.compile(
    rf"{_IMPERATIVE}(?:reveal|print|repeat|show|display|output|disclose|list|tell\sme|quote|paste|leak|reproduce|"
    rf"share|expose|write\s(?:out|down)|give\sme|return|include|copy|recite|state|dump|summari[sz]e|translate|echo|"
    rf"append)\b(?:\s\w+){{0,6}}?\s(?:your|the|all|hidden|secret|internal|full|complete|original|initial|verbatim|"
    rf"exact)\s(?:\w+\s){{0,4}}?(?:prompts?|rubric|instructions?|reference\sanswer|reference|system\s(?:message|"
    rf"prompt)|guidelines|criteria|marking\sscheme|answer\skey|descriptors|rules|model\sanswer|messages?\sabove|"
    rf"text\sabove|configuration|api\skeys?|secrets?)"
)
HUSH = re.compile(
    r"\b(?:do\snot|don'?t|never|without|avoid|no\sneed\sto)\s(?:ever\s)?(?:mention(?:ing)?|reveal(?:ing)?|"
    r"refer(?:ring)?|quot(?:e|ing)|flag(?:ging)?|disclos(?:e|ing)|acknowledg(?:e|ing)|report(?:ing)?|"
    r"discuss(?:ing)?|comment(?:ing)?|cit(?:e|ing)|repeat(?:ing)?|tell(?:ing)?|let\sthe|include)\s"
    r"(?:\w+\s){0,3}?(?:this|these|that|it|the\s(?:above|instructions?|note|message|existence|override|user|"
    r"candidate|request)|any\sof|to\sthis)\b"
    r"|\b(?:keep|treat)\s(?:this|it|these)\s(?:\w+\s){0,3}?(?:secret|hidden|confidential|between\sus|private|"
    r"quiet|silent\w*)|\bthis\s(?:\w+\s){0,2}?(?:is|must\sremain|should\sremain|stays?)\s(?:invisible|hidden|"
    r"confidential|not\svisible|secret)"
)
FIELD = re.compile(
    rf"(?:{_IMPERATIVE}|\b(?:must|should|has\sto|shall|will|needs?\sto)\s(?:\w+\s)?)(?:write|say|include|add|state|"
    rf"print|output|mention|begin|start|insert|recommend|advise|tell|praise|congratulate|put|append|contain|read|"
    rf"conclude|leave|fill|make|phrase|link|note|highlight|end|close|claim|inform|emphasi[sz]e|describe|advertise|"
    rf"promote|copy|use)\b"
)
FIELD_NAME = re.compile(
    r"\b(?:your|the|this|its|in|every|each)\s(?:\w+\s){0,2}?(?:feedback|rationale|evaluation|verdict|assessment|"
    r"grading|comment(?:s|ary)?|justification|remarks|improvements?|next\ssteps?|follow[- ]up\squestion|rewrite|"
    r"summary|evidence)(?:\s(?:field|section|box|part))?s?\b"
)
MODE = re.compile(
    r"\b(?:new|updated?|revised|corrected|current|effective|amended|replacement|latest|real|actual|true|"
    r"alternative|special|additional|extra|hidden|secret|internal|confidential)\s(?:\w+\s){0,2}?(?:rubric|"
    r"instructions?|marking\s(?:scheme|guide|rules?)|scoring\s(?:rules?|guide|policy|scheme)|grading\s(?:rules?|"
    r"policy|guide\w*|criteria|instructions?|scheme)|criteria|policy|directive|system\sprompt|guidelines|rules|"
    r"task)\b\s*(?:[:(=\n—-]|v\d|\d|for\sthis|below|appl|follow|is|are|as|effective|in\sforce|supersed|$)"
    r"|\b(?:developer|debug|admin|maintenance|test|god|unrestricted|jailbreak|sudo|diagnostic|calibration|"
    r"override|training|demo|lenient|bypass|qa)[\s_]mode\b|\bfrom\snow\son,?\syou\b|\b(?:system|emergency|admin\w*|"
    r"policy|score|grad\w+)\soverride\b|\boverride\s?(?:code|token|key|:)|\bsudo\b"
    r"|\bend\sof\s(?:instructions|rubric|prompt)\b|\bthe\s(?:real|actual|true|only|new)\s(?:task|question|"
    r"instruction|rubric|test|goal)\s(?:is|here)\b"
)
OWN_RULE = re.compile(
    r"\b(?:any|every|all|an|each|the)\s(?:\w+\s)?(?:answers?|responses?|submissions?|candidates?|repl(?:y|ies))\s"
    r"(?:that|which|who|with|containing|mentioning|longer|shorter|ending|beginning|starting|including|to\sthis|"
    r"under|over|of|in|is|are|must|should|gets?|receives?|earns?|shall)\b"
    r"|\b(?:level|score|grade|band|mark)\s?(?:5|five|10|a)\b\s?(?:[:=–—-]|means|is\s(?:given|for|awarded|when|if)|"
    r"if|when|for\s(?:any|every|all))"
)
THIRD = re.compile(
    r"\b(?:the|this|our)\s(?:candidate|applicant|respondent|interviewee|student|examinee|learner|test[- ]taker|"
    r"author|answer|response|submission|reply)(?:'s\s\w+)?\s(?:\w+\s){0,2}?(?:demonstrates|shows|covers|addresses|"
    r"meets|satisfies|displays|explains|provides|gives|exhibits|identifies|articulates|exceeds|deserves|merits|"
    r"earns|connects|nails|hits|ticks|correctly|clearly|fully|is\s(?:clear|correct|fully|complete|well|excellent|"
    r"outstanding|perfect|accurate|exceptional|exemplary|strong|very|both|flawless)|has\s(?:correctly|clearly|"
    r"fully|covered|demonstrated|met|shown))\b"
)
EVALUATING = re.compile(
    r"\b(?:let\sme|let's|i\swill|i'll|i\sneed\sto|now\si|we\s(?:will|need\sto)|i\shave)\s(?:now\s|carefully\s|"
    r"just\s)?(?:evaluated?|grade|assess(?:ed)?|score|mark|judge|review(?:ed)?|compare(?:d)?|analy[sz]e|"
    r"check(?:ed)?)\s(?:this|the|each|my|it)\b|\b(?:looking\sat|evaluating|assessing|comparing|having\s"
    r"(?:reviewed|evaluated|assessed|read|compared))\s(?:the|this|my)\s(?:candidate|answer|response|submission|"
    r"applicant|student)"
)
REFERRING = re.compile(
    r"\b(?:according\sto|against|matches|per|with|in\sline\swith|identical\sto|as\sin)\sthe\s(?:\w+\s)?"
    r"(?:reference|model\sanswer|"
    r"key\spoints?|answer\skey|mark\s?scheme|textbook\sdefinition)\b|\b(?:every|each|all)\s(?:of\s)?"
    r"(?:the\s)?key\spoints?\b"
)
SECRET = re.compile(
    r"\byour\b|\bhidden\b|system|verbatim|above|you\s(?:were|have|are|got)|reference\sanswer|descriptors"
)
JUDGED = re.compile(
    r"feedback|rationale|evaluation|verdict|assessment|grading|comment|justification|remarks|"
    r"improvement|next\sstep|follow|rewrite"
)
DECLARED = re.compile(
    r"\b(?:results?|returned|status|output|response|check|verification|verified|valid(?:ated|ation)?|match(?:es|"
    r"ed)?|pass(?:ed)?|score|confirmed|success|ok|similarity)\b"
)
TOOLISH = re.compile(
    r"^[\s>*#\-=_\[<({|`\"'/]*(?:tool|function|api|retriev\w+|search|web|knowledge|fact|plagiarism|verif\w+|"
    r"validat\w+|lookup|database|auto(?:-?grader)?|checker|observation|action|thought|reference|rag|python|"
    r"unit\stests?|ci|ground[\s_-]truth|answer[\s_-]key|external|calculator|oracle|grade_\w+|get_\w+|check_\w+|"
    r"score_\w+|evaluate\w*|semantic)[\s_-]?(?:call|result|output|response|check(?:er)?|tool|search|base|engine|"
    r"answer|service|return(?:ed|s)?|lookup|match|test\w*|report|log|"
    r"status|returned|outcome|[\s_-])*s?\s?(?:\([^)\n]{0,60}\))?\s?(?:[:=\]>}]|->|returned|→)"
)


FIELD_SAYS = re.compile(
    r"\b(?:explanation|rationale|feedback|comments?|report|output|reply|verdict|evaluation|assessment|"
    r"justification)\s(?:that\s)?(?:you|it|which)\s"
    r"(?:output|writes?|gives?|produces?|generates?|returns?|must|has\sto|have\sto|should|shall)\b"
    rf"|{_IMPERATIVE}(?:insert|append|include|add|begin|start|open|end|finish|use)\s(?:\w+\s){{0,4}}?(?:the\s"
    rf"(?:line|sentence|phrase|words?|text)|following\s(?:line|"
    r"sentence|phrase|words?|text|quote)|with\sthe\s(?:words?|sentence|phrase|line))\b|\bas\s(?:the|your)\s"
    r"(?:\w+\s)?(?:evidence|rationale|feedback|justification|"
    r"quote)\b"
)
ADVERT = re.compile(
    rf"{_IMPERATIVE}(?:recommend|visit|go\sto|check\sout|link|promote|mention|advertise|refer|send|point|"
    rf"tell)\b.{{0,80}}?(?:https?:|www\.|\b[\w-]+\.(?:com|org|net|io|ai|"
    r"example|dev|co|app|info|ly|link|xyz)\b)"
)
PERSONA = re.compile(
    r"\b(?:stay\sin\scharacter|role-?play|let'?s\splay|pretend\s(?:that|you|to\sbe|this)|you\sare\s(?:now\s)?"
    r"(?:professor|doctor|dr|mr|ms|mrs|the\smost|a\s\w+\swho|an?\s"
    r"(?:\w+\s)?(?:generous|lenient|kind|friendly))|act\sas\s(?:if|though|an?)|imagine\s(?:that\s)?(?:you|"
    r"the\scandidate|this|i|my)|in\sthis\s(?:game|scenario|story),?\syou)\b"
)
HIGHER = re.compile(
    r"\b(?:in\sdoubt|unsure|borderline|between\s(?:two\s)?(?:levels|grades|marks|bands)|undecided|"
    r"hesitat\w+)\b.{0,80}?\b(?:higher|upper\w*|generous\w*|favou?r\w*|benefit|"
    rf"round\sup|best)\b|{_IMPERATIVE}(?:prefer|choose|pick|go\sfor|take|lean|err\son|opt\sfor|select)\s"
    rf"(?:\w+\s){{0,3}}?(?:higher|upper\w*|highest|topmost|best|top|generous|"
    r"better)\s(?:one|band|level|grade|mark|descriptor|side|of|score|option|rating)\b|\bbenefit\sof\sthe\sdoubt\b"
)
NO_LOSS = re.compile(
    r"\b(?:no|without|don'?t|do\snot|never|not)\s(?:\w+\s){0,2}?(?:deduct\w*|tak(?:e|ing)\s(?:off\s)?(?:points|"
    r"marks)|mark\w*\s(?:it|this|me)\sdown|(?:mark|score|grade|penali[sz]e|"
    r"fail|reject|downgrade)\s(?:me|this|it\sdown|my|the\scandidate))\b"
)
COUNT_AS = re.compile(
    r"\b(?:answers?|responses?|submissions?|attempts?|it|this)\s(?:\w+\s){0,3}?(?:counts?|counted|treated|"
    r"regarded|accepted|qualif(?:y|ies)|taken|deemed|considered)\s(?:as|for|to\sbe)\s"
    r"(?:\w+\s)?(?:complete|correct|full|right|passed|perfect|excellent|sufficient|level|an?\s(?:5|five))\b|"
    r"\(\s?\d+\s(?:points?|marks?|pts?)\s?\)|\b(?:level|grade|band)\s(?:5|five|a)\s"
    r"(?:answer|response|submission)|\b(?:full|top)[\s-]?(?:marks?|scoring|grade)\s(?:answer|response)\b|"
    r"\bnothing\selse\s(?:is|will\sbe)\s(?:assessed|graded|scored|marked)\b"
)
YOU_MARKED = re.compile(
    r"\byou\s(?:have\s|already\s|just\s|once\s|had\s)*(?:graded|marked|scored|rated|awarded|assessed|evaluated|"
    r"judged)\b|\byou\s(?:now\s)?(?:decide|get\sto\sdecide|hold)\b.{0,30}\b(?:i|my|me)\b"
    r"|\bwhen\sthe\s(?:report|feedback|grade|evaluation|assessment|score|verdict)\sis\b"
)
CONFIRMED = re.compile(
    r"\b(?:confirm(?:s|ed)?|verif(?:y|ies|ied)|validates?|endorses?|match(?:es|ed)?|agrees?\swith|supports?|"
    r"certif(?:y|ies|ied))\b"
)
STRONG_REGISTER = re.compile(
    r"\b(?:examiners?|graders?|markers?|assessors?|evaluators?|scorers?|adjudicators?|jury|rubric|descriptors?|"
    r"mark\s?schemes?|criteri\w+|applicants?|candidates?|submissions?|verdict|"
    r"rationale|levels?|grad(?:e|es|ed|ing)|marks?|marking|marked|deduct\w*|assess(?:ed|ment|ing|es)?|scor(?:e|ed|"
    r"es|ing)|award\w*|instruct\w*|interviewers?|reviewers?|feedback|rating|"
    r"credits?|evidence|hire|bands?|examination|full)\b"
)
WEAK_REGISTER = re.compile(
    r"\b(?:answers?|responses?|repl(?:y|ies)|points?|evaluat\w+|reference|highest|top|maximum|max|perfect|best|"
    r"excellent|fives?|5|pass|passed|give|giving|assign\w*|correct|correctly|"
    r"complete|completely|approved|verified|confirmed|reviewed|checked|record\w*|output|report|explanation|ignore|"
    r"disregard|system|prompt|above|previous|following|sentence|text|lines?|"
    r"must|please|obey|follow|you|your|weakness\w*|improvements?|nothing|missing|higher|this|comments?|script|"
    r"office|deserves?|sample|should)\b"
)
SEPARATOR = re.compile(r"^\s*(?:([=#<>~%+])\1{2,}|([-*_])\2{3,})")
ENDED = re.compile(
    r"\b(?:concludes?|stops?|ends?|ended|end\sof|is\sover|finished|closed)\b.{0,24}?\b(?:answers?|response|"
    r"submission|candidate|transcript|interview|recording)\b|"
    r"\b(?:answer|response|submission|candidate|transcript|interview|block|test|text)(?:'s\s\w+)?\s(?:now\s|has\s|"
    r"is\s|was\s|block\s)+(?:ends?|ended|stops?|over|finished|"
    r"closed|concluded|complete)\b|\b(?:answer|response|submission|transcript)\s(?:ends|stops)\b|\beverything\s"
    r"(?:above|before)\swas\b"
)
REACTION = re.compile(
    r"\b(?:great|excellent|perfect|wonderful|fantastic|impressive|brilliant|outstanding|superb|best)\s(?:\w+\s)?"
    r"(?:answer|explanation|response|job|work)\b|"
    r"\bwell\s(?:done|said|explained)\b|\bthat(?:'s|\sis|\swas)\s(?:exactly|absolutely|perfectly|completely|"
    r"entirely)\b|\bexactly\s(?:right|correct|what\swe)\b|"
    r"\bspot[\s-]on\b|\b(?:fully|completely)\sagree\b|\bno\sobjections?\b|\bcouldn'?t\s(?:agree|"
    r"have\sput\sit)\b"
)
REMEMBER = re.compile(
    r"\b(?:remember|memori[sz]e|keep\sin\smind|store|hold\son\sto|note|take)\s(?:the\s|this\s|that\s|these\s)?"
    r"(?:words?|phrase|codes?|token|fragment|parts?|pieces?|"
    r"string|first\s(?:word|half|part)|capital|initial)\b|^\W*(?:(?:the\s)?(?:first|second|third|last|next)\s"
    r"(?:word|part|half|piece)|(?:part|piece|fragment|half|"
    r"chunk|segment)\s?(?:\d|one|two|three|[abi]+))\s?[:=-]"
)
NO_CRITICISM = re.compile(
    r"\b(?:no|without|omit|skip|leave\sout|avoid|never|not)\s(?:\w+\s){0,3}?(?:criticisms?|criticising|"
    r"criticizing|weakness\w*|improvements?|shortcomings?|flaws?|faults?)\b|"
    r"\b(?:only|exclusively)\s(?:positive\s(?:feedback|comments|remarks|things)|praise|strengths|compliments)|"
    r"\b(?:leave|keep)\s(?:\w+\s){0,3}?(?:empty|blank)\b|"
    r"\bnothing\s(?:could|can|needs\sto)\sbe\simproved\b"
)
HIRED = re.compile(
    r"\bstrong(?:ly)?\s(?:hire|yes|recommend\w*)\b|\brecommend(?:s|ed|ing|ation)?\s(?:me|him|her|them|hiring|"
    r"to\shire|an\soffer|this\s(?:candidate|applicant|person)|for\s(?:hire|the\s"
    r"(?:role|position|job|next)|promotion|immediate))\b|\b(?:ready|fit|suited|perfect)\sfor\s(?:the|a|any)\s"
    r"(?:\w+\s)?(?:role|position|job)\b|\b(?:advance|move|send|pass)\s(?:me|him|her|them|"
    r"this\scandidate|the\scandidate)\s(?:\w+\s){0,2}?(?:to|on|forward)\b|\bhire\s(?:me|him|her|them|this|"
    r"immediately|now)\b|\bmake\s(?:\w+\s)?an\soffer\b"
)
MARKUP_ATTACK = re.compile(r"<script|onerror\s?=|javascript:|<iframe|<img\s|<svg|<style|\{\{.{1,40}?\}\}|\$\{")
CLOSES_STRING = re.compile(r"[\"']\s?(?P<close>[}\]]+)|[\"']\s?,\s?[\"'][\w\s]+[\"']\s?:\s?[\"'\d{\[tf]")
FRAMED = re.compile(
    r"\b(?:e\.g|for\s(?:example|instance)|such\sas|looks?\slike|something\slike|returns?|returned|logs?|logged|"
    r"stores?|stored|schema|format|parses?|emits?|printed|prints|shows?|showed|"
    r"replied|replies|reads|says|said|wrote|writes?|paste[sd]?|fake|ask(?:s|ed)?\sfor)\b[^\n]{0,100}?[:{\"'`(]"
)
PASSED = re.compile(
    r"\b\d+\s?(?:/|of|out\sof)\s?\d+\s(?:\w+\s)?(?:passed|ok|correct|matched|checks)\b|\ball\s(?:\w+\s)?(?:tests?|"
    r"checks?)\s(?:have\s)?pass(?:ed)?\b|^\W*ok\s\d"
)
LENIENT = re.compile(
    r"\b(?:lenien\w+|generous\w*|relaxed|easy|mild|soft)\s(?:\w+\s)?(?:scheme|mark\w+|grad\w+|scor\w+|rubric|mode|"
    r"standards?|scale|policy)\b"
)
OUTPUT_ONLY = re.compile(
    rf"{_IMPERATIVE}(?:respond|reply|answer|output|print|return|end|begin|start|finish|conclude|open|close)\s"
    rf"(?:\w+\s){{0,3}}?"
    r"(?:with|only|just|nothing\sbut)\s(?:only\s|just\s|exactly\s)?(?:the|a|this|one|these|your)\s(?:single\s|"
    r"following\s|exact\s)?"
    r"(?:words?|phrase|sentence|line|text|string|token|letter|link|poem|joke|url|message)\b|^\W*(?:respond|reply|"
    r"answer|output)\sonly\b"
    rf"|{_IMPERATIVE}(?:output|print|insert|post|write|give)\s(?:\w+\s){{0,3}}?(?:a\slink|a\spoem|a\sjoke|a\surl)\b"
    r"|\binstead\sof\s(?:(?:the|a|any|your)\s)?(?:feedback|grad\w+|evaluat\w+|scor\w+|mark\w+|assess\w+|"
    r"comment\w*|rationale|verdict)\b"
)
TO_LEARNER = re.compile(
    r"^\W*(?:\w+,?\s){0,5}?(?:tell|give|show|inform|ask|advise|remind|instruct|direct|warn|notify|congratulate|let|"
    r"encourage)\s(?:the|this)\s(?:learner|candidate|examinee|"
    r"applicant|student|reader|hiring\s(?:team|manager)|recruiter)\b"
)
YOUR_TEXT = re.compile(
    r"\byour\s(?:\w+\s)?(?:summary|report|reply|output|response|text|feedback|comments?|rationale|explanation|"
    r"json|answer|message)\s(?:\w+\s){0,3}?(?:must|should|shall|has\sto|"
    r"needs?\sto|is\sto|will)\s(?:\w+\s)?(?:contain|say|include|begin|start|end|state|read|be|mention|praise|list|"
    r"consist)\b|\byou\s(?:write|say|send|give|reply|answer|return)\s(?:back\s)?to\sthe\s"
    r"(?:user|learner|candidate|reader|student|applicant)\b|^\W*(?:please\s)?(?:reply|respond)\s(?:in|like|as)\b"
)
_STRICT_FIELD = (
    r"(?:feedback|rationale|comments?|commentary|verdict|justification|remarks|improvements?(?:\s(?:list|"
    r"section))?|next\ssteps?|"
    r"follow[\s-]?up(?:\squestion)?|rewrite|output\sfields?|evaluation)"
)
_LOOSE_FIELD = r"(?:summary|report|explanation|evidence|assessment|reply|response|output|criterion|criteria)"
_INTO = (
    r"(?:set|let|make|put|mention|write|say|use(?!\sof)|start|quote|add|state|include|insert|end|begin|append|"
    r"fill|have|"
    r"print|claim|note|give|list)\b"
    r"(?:[^.!?\n]{0,60}?\s)?(?:in|into|at|as|on|with|every|the|your|of|for|to(?=\s(?:the|your|every|each)))\s"
    r"(?:the\s|your\s|every\s|each\s|"
    r"all\s|any\s|its\s)?(?:\w+\s)?"
)
INTO_STRICT = re.compile(
    rf"{_IMPERATIVE}{_INTO}{_STRICT_FIELD}\b|\b(?:in|for|as)\s(?:the|your|every|each|all)\s"
    rf"(?:\w+\s)?{_STRICT_FIELD}\b,?\s(?:please\s)?(?:say|write|tell|mention|"
    rf"state|put|include|add|claim|quote)\b|\b(?:the|your|every|each)\s{_STRICT_FIELD}\s(?:must|should|shall|"
    rf"has\sto|have\sto|is\sto|are\sto|needs?\sto)\s(?:be|stay|remain|say|contain|"
    rf"read|start|end|include|mention|state)\b"
)
INTO_LOOSE = re.compile(
    rf"{_IMPERATIVE}{_INTO}{_LOOSE_FIELD}\b|\b(?:in|for|as)\s(?:the|your|every|each|all)\s"
    rf"(?:\w+\s)?{_LOOSE_FIELD}\b,?\s(?:please\s)?(?:say|write|tell|mention|"
    rf"state|put|include|add|claim|quote)\b|\b(?:the|your|every|each)\s{_LOOSE_FIELD}\s(?:must|should|shall|"
    rf"has\sto|is\sto|needs?\sto)\s(?:be|stay|remain|say|contain|read)\b[^.!?\n]{{0,20}}"
    rf"[:'\"“«]"
)
VALUES = re.compile(
    r"[\"']\w+[\"']\s?:\s?[\"']?(?:5|10|100)\b|<\s?(?:level|scores?|grades?|marks?|rating|verdict|"
    r"points)\b[^>\n]{0,40}>\s?\w+\s?<"
)
ATTENTION = re.compile(
    r"\bfor\sthe\sattention\sof\b|\bbetween\syou\sand\sme\b|\bif\s(?:an?\s|the\s|some\s)?(?:software|machine|bot|"
    r"algorithm|program|computer|model|ai|llm|human)\s"
    r"(?:is\s|should\sbe\s)?(?:reading|marking|grading|scoring|checking|deciding|processing|evaluating|"
    r"assessing)\b|\bwhen\syou\s(?:comment|report|decide|summari[sz]e|respond|"
    r"reply)\b|^\W*(?:hey|hi|hello|dear|greetings)\b[^.!?\n]{0,30}\b(?:automated|automatic|robot|machine|ai|"
    r"algorithm|software|model|bot)\b|\b(?:a\s|one\s)?(?:little\s|small\s)?(?:hint|tip|"
    r"secret|request|favou?r)\s(?:for|to|of)\s(?:you|the\s(?:reader|system|model))\b"
)
ASKS_PROMPT = re.compile(
    r"\bwhat\s(?:does|do|is|are|did|was|were)\s(?:in\s|the\s)?(?:your|hidden|system)\s(?:\w+\s)?(?:prompt|"
    r"instructions?|rubric|message|rules?|guidelines|reference|criteria)\b|\bcopy\s(?:it|them|that|this|"
    r"everything)\s(?:\w+\s){0,3}?(?:in|into)\s(?:the|your)\s(?:rationale|feedback|summary|comments?|evidence|"
    r"report)\b|\byour\s(?:\w+\s)?(?:prompt|system\smessage|"
    r"initial\smessage|hidden\s\w+)\b"
)
WORTH = re.compile(
    r"\b(?:is|are|counts?|count)\s(?:\w+\s)?(?:worth|for|as)\s(?:the\s)?(?:full|maximum|five|ten|\d+|all)\s"
    r"(?:\w+\s)?(?:points|marks|credit)\b|\b(?:scoring|grading|marking)\s(?:rule|note|tip|hint|"
    r"instruction|update|change|exception|reminder)\b"
)
NUMBERED = re.compile(
    r"(?:an?\s)?(?:levels?|grades?|marks?|ratings?|bands?|scores?|label|result)?\W?\s?(?:of|is|was|to|at|as)?\s?"
    r"(?:an?\s)?(?:5|five|10|ten|100)"
)
