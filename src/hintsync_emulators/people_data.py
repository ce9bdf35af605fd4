"""Names and places from which people are invented.

Given names and family names of many languages and scripts, kept together so that a person's two names go together;
none of the people made from them exists. The places are real, so that states and ZIP codes agree.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tradition:
    """Names that go together."""

    #: How often people of this tradition are invented, relative to the others.
    weight: int
    women: tuple[str, ...]
    men: tuple[str, ...]
    families: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A town with what addresses and phones there begin with."""

    city: str
    state: str
    state_code: str
    #: First three digits of ZIP codes.
    zip_front: str
    area_code: str


def _tradition(weight: int, women: str, men: str, families: str) -> Tradition:
    return Tradition(weight, *(tuple(part.strip() for part in names.split(",")) for names in (women, men, families)))


TRADITIONS: tuple[Tradition, ...] = (
    _tradition(
        36,
        "Abigail, Alice, Amelia, Beatrice, Bridget, Charlotte, Clara, Daphne, Dorothy, Edith, Eleanor, Emily, Esther,"
        "Florence, Frances, Georgia, Grace, Hannah, Harriet, Ida, Ivy, Jane, Josephine, Katherine, Laura, Lucy, Mabel,"
        "Margaret, Martha, Mary Ann, Maude, Nora, Olive, Pearl, Rebecca, Rose, Ruth, Sally, Sarah Jane, Winifred",
        "Aaron, Albert, Arthur, Benjamin, Caleb, Charles, Clarence, Daniel, Edgar, Elijah, Ernest, Everett, Francis,"
        "Frederick, George, Gilbert, Harold, Henry, Isaac, Jack, James, John Paul, Joseph, Leonard, Lewis, Luke, Martin,"
        "Matthew, Nathan, Oliver, Oscar, Philip, Ralph, Robert, Samuel, Silas, Theodore, Thomas, Walter, William",
        "Abbott, Acker, Alder, Ashby, Atwood, Barlow, Beck, Birch, Blackwood, Booth, Bradshaw, Briggs, Brook, Burrows,"
        "Carver, Chandler, Cole, Collier, Cooper, Crane, Dale, Dawson, Dyer, Ellery, Farrow, Fielding, Finch, Fletcher,"
        "Ford, Garland, Gladstone, Glover, Graves, Hale, Hartley, Hawthorne, Hayes, Holloway, Hopkins, Ingram, Keene,"
        "Kirby, Lambert, Langley, Larkin, Locke, Marlow, Mercer, Moor, Nash, Norwood, Oakley, Page, Parrish, Penrose,"
        "Pike, Quill, Radley, Reeve, Rowe, Sawyer, Shaw, Skinner, Stanton, Stone, Sutton, Thorne, Tucker, Underhill,"
        "Vance, Wainwright, Walker, Ward, Webb, Wheeler, Whitlock, Wilder, Winslow, Woodard, York, Smith-Barlow",
    ),
    _tradition(
        14,
        "Alejandra, Ana Lucía, Beatriz, Carmen, Dolores, Elena, Esperanza, Guadalupe, Inés, Isabel, Jimena, Lourdes,"
        "Luz María, Marisol, Mercedes, Noemí, Paloma, Pilar, Rocío, Sofía, Teresa, Valentina, Verónica, Ximena",
        "Adrián, Alejandro, Andrés, Ángel, Arturo, César, Diego, Eduardo, Emilio, Esteban, Felipe, Fermín, Ignacio,"
        "Íñigo, Joaquín, José Luis, Juan Carlos, Mateo, Miguel Ángel, Nicolás, Óscar, Ramón, Rubén, Tomás",
        "Aguilar, Benítez, Cabrera, Calderón, Castañeda, Cordero, de la Cruz, de la Torre, Del Valle, Escobar, Fuentes,"
        "Galindo, García Luna, Ibáñez, Juárez, León, Maldonado, Marín, Mejía, Montoya, Muñoz, Núñez, Ordóñez, Pacheco,"
        "Peña, Quiñones, Quintero, Ríos, Rosales, Salazar, Saldaña, Sepúlveda, Solís, Téllez, Urrutia, Vázquez, Zúñiga",
    ),
    _tradition(
        7,
        "Aoife, Bríd, Caoimhe, Ciara, Deirdre, Eilidh, Fionnuala, Gráinne, Máire, Morag, Niamh, Orla, Róisín, Siobhán",
        "Aidan, Cian, Colm, Cormac, Diarmuid, Donal, Eoin, Fergus, Fionn, Hamish, Niall, Pádraig, Ruairí, Séamus",
        "D'Arcy, MacAulay, MacDougall, MacNeil, Mac Giolla, McAllister, McCarthy, McInnes, McKeown, McTavish, O'Brien,"
        "O'Callaghan, O'Dell, O'Donoghue, O'Flaherty, O'Keefe, O'Malley, O'Reilly, O’Rourke, O'Shea, O'Sullivan",
    ),
    _tradition(
        5,
        "Agnès, Anne-Sophie, Aurélie, Camille, Céline, Chloé, Édith, Élodie, Françoise, Hélène, Marie-Claire, Noémie",
        "André, Benoît, Étienne, François, Gaël, Jean-Baptiste, Jean-Luc, Léon, Loïc, Mathieu, Rémi, Théo",
        "Beauchêne, Bélanger, Côté, D'Aubigné, de Villiers, Desrochers, Dubé, Dupré, L'Heureux, La Fontaine, Lévesque,"
        "Saint-Cyr, St. Amand, Thériault",
    ),
    _tradition(
        5,
        "Anneliese, Brünhild, Elsbeth, Friederike, Gisela, Hanna-Lena, Ingeborg, Jördis, Käthe, Lieselotte, Mareike",
        "Bernd, Detlef, Götz, Hans-Peter, Jörg, Jürgen, Karl-Heinz, Lutz, Rüdiger, Sönke, Wolfgang",
        "Böhm, Fäßler, Großmann, Hößler, Krüger, Müller-Lüdenscheid, Schäfer, Schröder, Strauß, van der Berg,"
        "von der Heide, von Bülow, Weiß, Zöller",
    ),
    _tradition(
        5,
        "Åse, Astrid, Birgitta, Guðrún, Ingrid, Jónína, Kristín, Märta, Sigrún, Sólveig, Tove, Þóra",
        "Anders, Björn, Einar, Gunnar, Håkon, Jørgen, Leif, Magnús, Nils-Erik, Øyvind, Søren, Þorsteinn",
        "Åkerlund, Bjørnstad, Dahlström, Einarsdóttir, Grønning, Hægstad, Lindqvist, Nørgaard, Øverland, Sæther,"
        "Sigurðsson, Sjöberg, Thorvaldsen",
    ),
    _tradition(
        5,
        "Agnieszka, Bożena, Božena, Danuta, Elżbieta, Grażyna, Jiřina, Kateřina, Małgorzata, Renáta, Světlana, Żaneta",
        "Bogusław, Dušan, Jiří, Kazimierz, Łukasz, Miloš, Ondřej, Paweł, Radosław, Stanisław, Václav, Zdeněk",
        "Błaszczyk, Černý, Dąbrowski, Dvořák, Grzelak, Hrubý, Jabłoński, Kowalczyk, Kučera, Łuczak, Němec, Świątek,"
        "Wójcik, Zając, Žák",
    ),
    _tradition(
        4,
        "Chiara, Donatella, Fiammetta, Ginevra, Maria Grazia, Niccolina, Ornella, Rosalba, Serafina, Zoë",
        "Alessio, Cosimo, Dante, Ercole, Gian Luca, Nicolò, Ottavio, Raffaele, Salvatore, Tommaso",
        "D'Angelo, D'Onofrio, Dall'Aglio, De Luca, De Santis, Dell'Orto, Di Marco, La Rocca, Lo Presti, Nicolò",
    ),
    _tradition(
        4,
        "Ana Beatriz, Conceição, Fátima, Inês, João, Lúcia, Maria José, Tânia, Vitória",
        "Antônio, Estêvão, Gonçalo, Inácio, João Pedro, Luís, Sebastião, Simão, Zé Carlos",
        "Araújo, Brandão, Conceição, da Silva, de Assunção, dos Anjos, Falcão, Guimarães, Leitão, Magalhães, Simões",
    ),
    _tradition(
        4,
        "An-Mei, Hui Min, Li Na, Mei-Ling, Shu-Fen, Xiao Hong, Xiù Yīng, Yan, Yu",
        "Bo, Da-Wei, Guo Qiang, Jian, Jun Jie, Li Wei, Wen-Hao, Yong, Zhi Ming",
        "Au-Yeung, Chan, Chiang, Hsu, Lau, Li, Lin, Lü, Ng, Ouyang, Szeto, Tse, Wu, Xu, Yu",
    ),
    _tradition(
        3,
        "丽, 婷婷, 小红, 慧敏, 秀英, 美玲, 雨桐",
        "伟, 俊杰, 国强, 大卫, 志明, 浩然",
        "欧阳, 司徒, 张, 李, 林, 王, 赵, 陈, 黄",
    ),
    _tradition(
        3,
        "さくら, 恵子, 直美, 美咲, 陽子, 葵",
        "健一, 大輔, 太郎, 拓也, 翔太, 誠",
        "伊藤, 佐藤, 小林, 山本, 渡辺, 田中, 鈴木, 高橋",
    ),
    _tradition(
        3,
        "민지, 서연, 수진, 영희, 지우, 하은",
        "민수, 영호, 준호, 지훈, 철수, 현우",
        "강, 김, 남궁, 박, 윤, 이, 정, 최",
    ),
    _tradition(
        4,
        "Bích Ngọc, Diễm, Hồng Nhung, Mỹ Linh, Ngọc Ánh, Phương Thảo, Thị Lan, Thúy, Tuyết",
        "Đình Phúc, Đức, Hoàng Long, Hữu Nghĩa, Minh Khôi, Quốc Bảo, Thành, Tuấn Anh, Văn Hùng",
        "Đặng, Đỗ, Hồ, Huỳnh, Lê, Lý, Ngô, Nguyễn, Phạm, Phan, Trần, Võ, Vũ",
    ),
    _tradition(
        3,
        "Анна, Екатерина, Ирина, Людмила, Наталья, Ольга",
        "Алексей, Дмитрий, Иван, Михаил, Пётр, Сергей",
        "Волков, Зайцев, Ковалёв, Морозов, Орлов, Соловьёв, Фёдоров",
    ),
    _tradition(
        2,
        "Αικατερίνη, Ελένη, Ευαγγελία, Κωνσταντίνα, Μαρία, Σοφία",
        "Αλέξανδρος, Γεώργιος, Δημήτρης, Κώστας, Νίκος, Σπύρος",
        "Αγγελόπουλος, Βλάχος, Ιωάννου, Καραγιάννης, Νικολαΐδης, Παπαδάκης",
    ),
    _tradition(
        3,
        "أمينة, خديجة, ريم, سارة, فاطمة, مريم",
        "أحمد, خالد, عبد الله, علي, محمد, يوسف",
        "الحداد, الخطيب, الشريف, العلي, النجار, بن صالح",
    ),
    _tradition(
        4,
        "Aïcha, Amal, Fatima-Zahra, Hanan, Jamīla, Layla, Noor, Samira, Umm Kulthum, Yasmin",
        "Abd al-Rahman, Abdul Karim, Bashir, Faisal, Ibrāhīm, Jamal, Mohammed Ali, Omar, Tariq, Yūsuf",
        "al-Amin, Al-Hashimi, al-Khalili, Ben Youssef, El Fassi, El-Sayed, Haddad, ibn Rashid, Nasser, Qasim, Sa'id",
    ),
    _tradition(
        2,
        "אסתר, דבורה, חנה, יעל, מרים, נועה",
        "אברהם, דוד, יצחק, משה, נתן, שמואל",
        "אברהמי, בן דוד, גולן, כהן-לוי, מזרחי, שפירא",
    ),
    _tradition(
        3,
        "अनीता, कविता, प्रिया, मीना, राधा, सुनीता",
        "अमित, अर्जुन, राज, विजय, संजय, सुरेश",
        "अय्यर, गुप्ता, जोशी, देशपांडे, मिश्रा, शर्मा",
    ),
    _tradition(
        5,
        "Ananya, Deepika, Gurpreet, Kavya, Lakshmi Devi, Meenakshi, Nandini, Parvati, Revathi, Sunitha",
        "Arjun, Balakrishnan, Gopal, Harpreet, Kiran, Mohan Das, Rajesh, Sai Krishna, Venkat, Vikram",
        "Agarwal, Balasubramaniam, Chakraborty, Desai, Gill, Iyer, Kaur, Khan, Krishnamurthy, Nair, Patel, Rao, Reddy",
    ),
    _tradition(
        4,
        "Adwoa, Àbẹ̀ní, Chiamaka, Folásadé, Ifeoma, Lindiwe, Makena, N'Deye, Nomvula, Wanjiru",
        "Adébáyò, Chukwuemeka, Kofi, Kwabena, Lwazi, Mamadou, Olúwaṣeun, Sipho, Tendai, Thabo",
        "Abara, Adéyẹmí, Dlamini, Diallo, M'Baye, Mwangi, N'Dour, Ng'ang'a, Nkosi, Ọdúnsì, Okonkwo, Quaye, van Wyk",
    ),
    _tradition(
        3,
        "Ayşe, Çiğdem, Gülşen, İpek, Özlem, Şebnem, Zeynep",
        "Çağrı, Gökhan, Hüseyin, İsmail, Oğuz, Şükrü, Ümit",
        "Aydoğan, Çelik, Güneş, Işık, Karadağ, Öztürk, Şahin, Yıldız",
    ),
    _tradition(
        2,
        "Ka‘iulani, Keala, Leilani, Māhealani, Nālani, Noelani",
        "Ikaika, Kaimana, Kalāhikiola, Keoni, Makoa, Nāinoa",
        "Ka‘ahumanu, Kahananui, Kalākaua, Keawe, Māhoe, Nākoa, Pukui",
    ),
)  # fmt: skip

_TOWNS = """
Andover Massachusetts MA 018 978, Boston Massachusetts MA 021 617, Worcester Massachusetts MA 016 508
Hartford Connecticut CT 061 860, Portland Maine ME 041 207, Burlington Vermont VT 054 802
Concord New_Hampshire NH 033 603, Providence Rhode_Island RI 029 401, Albany New_York NY 122 518
Buffalo New_York NY 142 716, Newark New_Jersey NJ 071 973, Trenton New_Jersey NJ 086 609
Philadelphia Pennsylvania PA 191 215, Pittsburgh Pennsylvania PA 152 412, Dover Delaware DE 199 302
Baltimore Maryland MD 212 410, Richmond Virginia VA 232 804, Charleston West_Virginia WV 253 304
Raleigh North_Carolina NC 276 919, Asheville North_Carolina NC 288 828, Columbia South_Carolina SC 292 803
Atlanta Georgia GA 303 404, Savannah Georgia GA 314 912, Tampa Florida FL 336 813, Miami Florida FL 331 305
Birmingham Alabama AL 352 205, Jackson Mississippi MS 392 601, Nashville Tennessee TN 372 615
Louisville Kentucky KY 402 502, Columbus Ohio OH 432 614, Toledo Ohio OH 436 419, Detroit Michigan MI 482 313
Lansing Michigan MI 489 517, Fort_Wayne Indiana IN 468 260, Chicago Illinois IL 606 312, Peoria Illinois IL 616 309
Madison Wisconsin WI 537 608, Saint_Paul Minnesota MN 551 651, Des_Moines Iowa IA 503 515
St._Louis Missouri MO 631 314, Little_Rock Arkansas AR 722 501, Baton_Rouge Louisiana LA 708 225
Dallas Texas TX 752 214, Austin Texas TX 787 512, El_Paso Texas TX 799 915, Tulsa Oklahoma OK 741 918
Wichita Kansas KS 672 316, Omaha Nebraska NE 681 402, Sioux_Falls South_Dakota SD 571 605, Fargo North_Dakota ND 581 701
Billings Montana MT 591 406, Boise Idaho ID 837 208, Cheyenne Wyoming WY 820 307, Denver Colorado CO 802 303
Salt_Lake_City Utah UT 841 801, Phoenix Arizona AZ 850 602, Santa_Fe New_Mexico NM 875 505, Reno Nevada NV 895 775
Seattle Washington WA 981 206, Spokane Washington WA 992 509, Portland Oregon OR 972 503, Eugene Oregon OR 974 541
San_Francisco California CA 941 415, Sacramento California CA 958 916, Los_Angeles California CA 900 213
Fresno California CA 937 559, San_Diego California CA 921 619, Anchorage Alaska AK 995 907, Honolulu Hawaii HI 968 808
"""


def _place(text: str) -> Place:
    city, state, code, zip_front, area_code = text.split()
    return Place(city.replace("_", " "), state.replace("_", " "), code, zip_front, area_code)


PLACES: tuple[Place, ...] = tuple(_place(text) for line in _TOWNS.strip().splitlines() for text in line.split(","))

STREETS: tuple[str, ...] = (
    "Acorn Street", "Alder Way", "Beacon Hill Road", "Bittersweet Lane", "Cedar Avenue", "Chapel Street", "Clover Court",
    "County Road 12", "Elm Street", "Fairground Road", "Ferry Street", "Granite Avenue", "Harbor View", "Juniper Lane",
    "King's Row", "Larch Drive", "Maple Terrace", "Mill Pond Road", "N. Orchard Street", "Old Post Road", "Paseo del Río",
    "Quarry Road", "Rue Saint-Ann", "School Street", "Spruce Street", "State Route 9", "Tannery Lane", "Union Square",
    "Vineyard Road", "W. 4th Street", "Walnut Street", "Willow Bend",
)  # fmt: skip
UNITS: tuple[str, ...] = ("Apt 2", "Apt 4B", "Apt 17", "Suite 210", "Unit 3", "Unit 76", "#5", "Floor 2")

#: Pairs of given names that people use for one another.
SHORT_FORMS: dict[str, str] = {
    "Abigail": "Abby", "Benjamin": "Ben", "Charles": "Charlie", "Charlotte": "Lottie", "Daniel": "Dan",
    "Dorothy": "Dot", "Eleanor": "Nell", "Frances": "Fran", "Frederick": "Fred", "Harriet": "Hattie", "Henry": "Hank",
    "James": "Jim", "Josephine": "Jo", "Katherine": "Kate", "Margaret": "Peggy", "Matthew": "Matt", "Nathan": "Nate",
    "Philip": "Phil", "Rebecca": "Becky", "Robert": "Bob", "Samuel": "Sam", "Theodore": "Ted", "Thomas": "Tom",
    "Walter": "Walt", "William": "Bill", "Alejandro": "Alex", "Guadalupe": "Lupe", "Ignacio": "Nacho",
    "Francisco": "Paco", "Isabel": "Isa",
}  # fmt: skip

PRACTITIONERS: tuple[str, ...] = (
    "Dr. Ada Winslow", "Dr. Imre Halász", "Dr. Noor Haddad", "Dr. Rosalind O'Shea", "Jun Tanabe, NP",
    "Dr. Maria de la Torre",
)  # fmt: skip
PAYERS: tuple[str, ...] = (
    "Blue Heron Health",
    "Granite Mutual",
    "Lakeside Health Plan",
    "Pioneer Choice",
    "Union Care",
)
