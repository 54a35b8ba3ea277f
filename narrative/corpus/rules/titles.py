"""What publishers call the pages before and after the text, in the languages of the archives."""
# ruff: noqa: RUF001 - quotes, dashes and letters of all scripts are what this is about

from __future__ import annotations

import re
import unicodedata

# Order of languages: en, de, fr, es, it, nl, pt, sv, da, no, fi, pl, cs, ru, ar, he, hi, ja, zh, ko.
TITLES: dict[str, str] = {
    "contents": (
        "contents|table of contents|the contents|list of contents|contents page|list of chapters|toc|inhalt|inhaltsverzeichnis|"
        "inhaltsübersicht|"
        "table des matières|table des matieres|sommaire|table des chapitres|contenido|contenidos|tabla de contenido|tabla de contenidos|"
        "índice general|sumario|sommario|indice|indice generale|indice dei capitoli|inhoud|inhoudsopgave|sumário|conteúdo|índice|innehåll|"
        "innehållsförteckning|indhold|indholdsfortegnelse|innhold|innholdsfortegnelse|sisällys|sisällysluettelo|sisältö|spis treści|"
        "spis rzeczy|spis rozdziałów|obsah|содержание|оглавление|المحتويات|الفهرس|فهرس|فهرس المحتويات|جدول المحتويات|محتويات الكتاب|תוכן|"
        "תוכן העניינים|विषय सूची|अनुक्रम|अनुक्रमणिका|目次|もくじ|目录|目錄|차례|목차"
    ),
    "illustrations": (
        "list of illustrations|illustrations|list of plates|list of figures|list of maps|list of tables|abbildungsverzeichnis|"
        "verzeichnis der abbildungen|table des illustrations|table des gravures|liste des illustrations|lista de ilustraciones|"
        "índice de ilustraciones|elenco delle illustrazioni|indice delle illustrazioni|lijst van illustraties|lijst van afbeeldingen|"
        "lista de ilustrações|illustrationsförteckning|illustrationsfortegnelse|liste over illustrasjoner|kuvaluettelo|spis ilustracji|"
        "seznam ilustrací|seznam vyobrazení|список иллюстраций|قائمة الأشكال|図版目次|挿絵一覧"
    ),
    "index": (
        "index|general index|index of names|index of subjects|subject index|register|sachregister|personenregister|namenregister|"
        "namensregister|stichwortverzeichnis|index général|index des noms|índice alfabético|índice onomástico|índice analítico|"
        "indice analitico|indice dei nomi|zaakregister|personenregister|índice remissivo|sakregister|personregister|stikordsregister|"
        "stikkordregister|hakemisto|indeks|indeks nazwisk|skorowidz|rejstřík|jmenný rejstřík|указатель|алфавитный указатель|"
        "именной указатель|предметный указатель|كشاف|فهرس الأعلام|מפתח|索引"
    ),
    "copyright": (
        "copyright|copyright page|copyright notice|copyrights|legal notice|imprint|colophon|uncopyright|impressum|urheberrecht|"
        "mentions légales|droits d’auteur|achevé d’imprimer|créditos|derechos de autor|página legal|página de créditos|aviso legal|colofón|"
        "diritti d’autore|note legali|crediti|colofon|colophon|ficha técnica|direitos autorais|direitos de autor|kolofon|upphovsrätt|"
        "ophavsret|opphavsrett|tekijänoikeudet|tekijänoikeus|strona redakcyjna|prawa autorskie|tiráž|autorská práva|выходные данные|"
        "авторские права|حقوق النشر|حقوق الطبع|حقوق الطبع والنشر|זכויות יוצרים|कॉपीराइट|奥付|著作権|版权|版权页|版權頁|판권"
    ),
    "advertisement": (
        "also by|also by the author|also by this author|by the same author|by the same writer|other books by|other books by the author|"
        "books by the same author|works by the same author|advertisement|advertisements|publisher’s catalogue|publishers’ catalogue|"
        "publisher’s advertisements|vom selben autor|von derselben autorin|vom gleichen autor|weitere bücher|werke des autors|"
        "du même auteur|de la même autrice|de la même auteure|del mismo autor|de la misma autora|otras obras del autor|dello stesso autore|"
        "della stessa autrice|van dezelfde auteur|van dezelfde schrijver|do mesmo autor|da mesma autora|outras obras do autor|"
        "av samma författare|af samme forfatter|av samme forfatter|samalta tekijältä|tego autora|tegoż autora|inne książki autora|"
        "od téhož autora|от того же автора|другие книги автора|للمؤلف|صدر للمؤلف|كتب أخرى للمؤلف|同じ著者の本|既刊"
    ),
    "bibliography": (
        "bibliography|select bibliography|selected bibliography|works cited|references|further reading|literatur|literaturverzeichnis|"
        "quellenverzeichnis|bibliographie|ouvrages cités|références|bibliografía|referencias|obras citadas|bibliografia|opere citate|"
        "riferimenti bibliografici|literatuur|literatuurlijst|referências|litteratur|litteraturförteckning|källor|litteraturliste|"
        "kirjallisuus|kirjallisuutta|lähteet|literatura|seznam literatury|литература|список литературы|библиография|المراجع|المصادر|"
        "المصادر والمراجع|ביבליוגרפיה|参考文献|參考文獻|참고문헌"
    ),
    "title page": (
        "title page|titlepage|half title|half title page|titelblatt|titelseite|page de titre|faux titre|portada|portadilla|anteportada|"
        "frontespizio|titelpagina|folha de rosto|frontispício|titelsida|titelblad|tittelblad|tittelside|nimiölehti|nimiösivu|"
        "strona tytułowa|titulní strana|titulní list|титульный лист|титул|صفحة العنوان|表題紙|扉|扉页"
    ),
    "cover": (
        "cover|cover page|front cover|back cover|umschlag|titelbild|couverture|cubierta|portada y cubierta|copertina|omslag|capa|forside|"
        "kansi|etukansi|okładka|obálka|обложка|الغلاف|غلاف|כריכה|表紙|封面|표지"
    ),
}  # fmt: skip
BEGINNINGS = {
    "advertisement": (
        *(
            "also by ",
            "other books by ",
            "other titles by ",
            "other works by ",
            "more books by ",
            "weitere bücher von ",
            "otros libros de ",
        ),
        *("otros títulos de ", "altri libri di ", "andere boeken van ", "outros livros de ", "inne książki "),
    ),
}
LONGEST_TITLE = 60
ROLE_OF = {title: role for role, titles in TITLES.items() for title in titles.split("|")}
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")


def plain(text: str) -> str:
    """A title as the tables above spell it: small letters, one kind of apostrophe, no marks around it."""
    small = unicodedata.normalize("NFC", text).casefold().replace("'", "’")
    return _AROUND.sub("", " ".join(small.split()))


def role_of(text: str) -> str:
    """What a heading says its page is, one of the keys of `TITLES`; "" for all else."""
    if len(text) > LONGEST_TITLE:
        return ""
    title = plain(text)
    if title in ROLE_OF:
        return ROLE_OF[title]
    return next((role for role, beginnings in BEGINNINGS.items() for each in beginnings if title.startswith(each)), "")
