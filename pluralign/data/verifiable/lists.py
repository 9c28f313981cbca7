"""Lists of right answers: facts that anybody can count off, written down here."""


def _parts(text: str) -> list[str]:
    return text.split("|")


def _words(text: str) -> list[str]:
    return text.split()


US_STATES = dict(
    pair.rsplit(" ", 1)
    for pair in _parts(
        "Alabama AL|Alaska AK|Arizona AZ|Arkansas AR|California CA|Colorado CO|Connecticut CT|Delaware DE|Florida FL|"
        "Georgia GA|Hawaii HI|Idaho ID|Illinois IL|Indiana IN|Iowa IA|Kansas KS|Kentucky KY|Louisiana LA|Maine ME|"
        "Maryland MD|Massachusetts MA|Michigan MI|Minnesota MN|Mississippi MS|Missouri MO|Montana MT|Nebraska NE|"
        "Nevada NV|New Hampshire NH|New Jersey NJ|New Mexico NM|New York NY|North Carolina NC|North Dakota ND|Ohio OH|"
        "Oklahoma OK|Oregon OR|Pennsylvania PA|Rhode Island RI|South Carolina SC|South Dakota SD|Tennessee TN|Texas TX|"
        "Utah UT|Vermont VT|Virginia VA|Washington WA|West Virginia WV|Wisconsin WI|Wyoming WY"
    )
)

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# What is written -> the one abbreviation for which it counts.
WEEKDAY_ABBREVIATIONS = {day[:3]: day[:3] for day in WEEKDAYS} | {
    "Tues": "Tue",
    "Weds": "Wed",
    "Thur": "Thu",
    "Thurs": "Thu",
}

# Symbol -> name, by atomic number (IUPAC).
ELEMENTS = dict(
    pair.split(" ")
    for pair in _parts(
        "H Hydrogen|He Helium|Li Lithium|Be Beryllium|B Boron|C Carbon|N Nitrogen|O Oxygen|F Fluorine|Ne Neon|"
        "Na Sodium|Mg Magnesium|Al Aluminium|Si Silicon|P Phosphorus|S Sulfur|Cl Chlorine|Ar Argon|K Potassium|"
        "Ca Calcium|Sc Scandium|Ti Titanium|V Vanadium|Cr Chromium|Mn Manganese|Fe Iron|Co Cobalt|Ni Nickel|Cu Copper|"
        "Zn Zinc|Ga Gallium|Ge Germanium|As Arsenic|Se Selenium|Br Bromine|Kr Krypton|Rb Rubidium|Sr Strontium|"
        "Y Yttrium|Zr Zirconium|Nb Niobium|Mo Molybdenum|Tc Technetium|Ru Ruthenium|Rh Rhodium|Pd Palladium|Ag Silver|"
        "Cd Cadmium|In Indium|Sn Tin|Sb Antimony|Te Tellurium|I Iodine|Xe Xenon|Cs Caesium|Ba Barium|La Lanthanum|"
        "Ce Cerium|Pr Praseodymium|Nd Neodymium|Pm Promethium|Sm Samarium|Eu Europium|Gd Gadolinium|Tb Terbium|"
        "Dy Dysprosium|Ho Holmium|Er Erbium|Tm Thulium|Yb Ytterbium|Lu Lutetium|Hf Hafnium|Ta Tantalum|W Tungsten|"
        "Re Rhenium|Os Osmium|Ir Iridium|Pt Platinum|Au Gold|Hg Mercury|Tl Thallium|Pb Lead|Bi Bismuth|Po Polonium|"
        "At Astatine|Rn Radon|Fr Francium|Ra Radium|Ac Actinium|Th Thorium|Pa Protactinium|U Uranium|Np Neptunium|"
        "Pu Plutonium|Am Americium|Cm Curium|Bk Berkelium|Cf Californium|Es Einsteinium|Fm Fermium|Md Mendelevium|"
        "No Nobelium|Lr Lawrencium|Rf Rutherfordium|Db Dubnium|Sg Seaborgium|Bh Bohrium|Hs Hassium|Mt Meitnerium|"
        "Ds Darmstadtium|Rg Roentgenium|Cn Copernicium|Nh Nihonium|Fl Flerovium|Mc Moscovium|Lv Livermorium|"
        "Ts Tennessine|Og Oganesson"
    )
)
# Another spelling -> IUPAC's name.
ELEMENT_SPELLINGS = {"Aluminum": "Aluminium", "Sulphur": "Sulfur", "Cesium": "Caesium"}

# Country calling codes in use (ITU-T E.164), those of Zone 1 and Zone 7 by their one digit.
CALLING_CODES = frozenset(
    _words(
        "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 "
        "86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 "
        "237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 "
        "266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 "
        "379 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 "
        "596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 850 852 853 "
        "855 856 880 886 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 992 993 994 995 996 998"
    )
)

FREE_MAIL = frozenset({
    "aol.com",
    "fastmail.com",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.co.uk",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "web.de",
    "yahoo.co.uk",
    "yahoo.com",
    "yandex.ru",
    "zoho.com",
})

# Words that end in -ing and are no form of a verb, or stand for a thing so often that nobody would read one.
NOT_GERUNDS = frozenset(
    _words(
        "anything awning ceiling darling duckling earring evening everything herring inkling lightning morning nothing "
        "offspring plaything pudding sibling something starling sterling string spring sapling viking wedding"
    )
)

COLOURS = tuple(
    _parts(
        "alice blue|almond|amaranth|amber|amethyst|antique white|apricot|aqua|aquamarine|ash gray|asparagus|avocado|azure|"
        "baby blue|baby pink|beige|bisque|bistre|bittersweet|black|blanched almond|blond|blue|blue green|blue violet|blush|"
        "bottle green|brick red|bright green|bronze|brown|bubblegum pink|buff|burgundy|burlywood|burnt orange|burnt sienna|"
        "burnt umber|butterscotch|cadet blue|camel|canary yellow|candy apple red|caramel|cardinal|carmine|"
        "carnation pink|celadon|celeste|cerise|cerulean|champagne|charcoal|charcoal gray|chartreuse|cherry red|chestnut|"
        "chocolate|cinnabar|cinnamon|citrine|claret|cobalt|cobalt blue|coffee|copper|coral|coral pink|cornflower blue|"
        "cornsilk|cream|crimson|cyan|dandelion|dark blue|dark brown|dark cyan|dark goldenrod|dark gray|dark green|"
        "dark khaki|dark magenta|dark olive green|dark orange|dark orchid|dark pink|dark purple|dark red|dark salmon|"
        "dark sea green|dark slate blue|dark slate gray|dark turquoise|dark violet|deep pink|deep sky blue|denim|dim gray|"
        "dodger blue|drab|dusty rose|ebony|ecru|eggplant|eggshell|electric blue|emerald|emerald green|fawn|fern green|"
        "firebrick|flame|flax|floral white|forest green|french blue|fuchsia|gainsboro|gamboge|garnet|ghost white|ginger|"
        "gold|golden brown|golden yellow|goldenrod|grape|graphite|grass green|gray|green|green yellow|greige|gunmetal|"
        "harlequin|heather|heliotrope|honey|honeydew|hot pink|hunter green|ice blue|indian red|indigo|ink blue|ivory|jade|"
        "jasmine|jet black|jungle green|kelly green|khaki|lapis lazuli|lavender|lavender blush|lawn green|lemon|"
        "lemon chiffon|lemon yellow|light blue|light brown|light coral|light cyan|light goldenrod yellow|light gray|"
        "light green|light pink|light purple|light salmon|light sea green|light sky blue|light slate gray|"
        "light steel blue|light yellow|lilac|lime|lime green|linen|magenta|mahogany|maize|malachite|marigold|maroon|mauve|"
        "medium aquamarine|medium blue|medium orchid|medium purple|medium sea green|medium slate blue|"
        "medium spring green|medium turquoise|medium violet red|melon|midnight blue|mint|mint cream|mint green|"
        "misty rose|moccasin|mocha|moss green|mulberry|mustard|mustard yellow|navajo white|navy|navy blue|neon green|"
        "neon pink|ocean blue|ochre|off white|old lace|old rose|olive|olive drab|olive green|onyx|opal|orange|orange red|"
        "orchid|oxblood|pale blue|pale goldenrod|pale green|pale pink|pale turquoise|pale violet red|pale yellow|"
        "papaya whip|parchment|pastel blue|pastel green|pastel pink|pastel yellow|peach|peach puff|peacock blue|pear|pearl|"
        "periwinkle|persimmon|peru|pewter|pine green|pink|pistachio|plum|powder blue|prussian blue|puce|pumpkin|purple|"
        "raspberry|raw sienna|raw umber|rebecca purple|red|red orange|red violet|rose|rose gold|rosewood|rosy brown|"
        "royal blue|royal purple|ruby|ruby red|russet|rust|saddle brown|saffron|sage|sage green|salmon|salmon pink|sand|"
        "sandy brown|sangria|sapphire|sapphire blue|scarlet|sea blue|sea foam|sea foam green|sea green|seashell|sepia|"
        "shamrock green|sienna|silver|sky blue|slate|slate blue|slate gray|smoke|snow|spring green|steel blue|steel gray|"
        "strawberry|straw|sunflower|sunset orange|tan|tangerine|taupe|tawny|tea green|teal|terracotta|thistle|tomato|topaz|"
        "turquoise|ultramarine|umber|vanilla|venetian red|vermilion|violet|viridian|walnut|wheat|white|white smoke|"
        "wine|wine red|wisteria|yellow|yellow green|yellow orange|zaffre"
    )
)
# The British spelling -> the American one.
COLOUR_SPELLINGS = {colour.replace("gray", "grey"): colour for colour in COLOURS}

CAR_MODELS: dict[str, tuple[str, ...]] = {
    brand: tuple(models.split(","))
    for brand, models in {
        "Acura": "ILX,Integra,MDX,NSX,RDX,TLX",
        "Alfa Romeo": "4C,Giulia,Giulietta,Stelvio,Tonale",
        "Aston Martin": "DB5,DB9,DB11,DB12,DBX,Vantage",
        "Audi": "A1,A3,A4,A5,A6,A7,A8,e-tron,Q3,Q5,Q7,Q8,R8,RS6,S4,TT",
        "Bentley": "Bentayga,Continental GT,Flying Spur",
        "BMW": "3 Series,5 Series,7 Series,i3,i4,i8,iX,M2,M3,M4,M5,X1,X3,X5,X7,Z4",
        "Bugatti": "Chiron,Veyron",
        "Buick": "Enclave,Encore,Envision,LaCrosse,Regal",
        "Cadillac": "CT4,CT5,CTS,Escalade,Lyriq,XT4,XT5",
        "Chevrolet": "Blazer,Bolt,Camaro,Corvette,Cruze,Equinox,Impala,Malibu,Silverado,Spark,Suburban,Tahoe,Traverse",
        "Chrysler": "300,Pacifica,PT Cruiser,Town and Country",
        "Citroen": "2CV,Berlingo,C3,C4,C5,DS",
        "Dodge": "Challenger,Charger,Durango,Grand Caravan,Journey,Viper",
        "Ferrari": "296 GTB,458 Italia,488,812 Superfast,Enzo,F40,LaFerrari,Portofino,Roma,SF90,Testarossa",
        "Fiat": "500,500X,Panda,Punto,Tipo",
        "Ford": "Bronco,Edge,Escape,Expedition,Explorer,F-150,Fiesta,Focus,Fusion,Maverick,Model T,Mustang,Mustang Mach-E,"
        "Ranger,Taurus",
        "Genesis": "G70,G80,G90,GV70,GV80",
        "GMC": "Acadia,Canyon,Sierra,Terrain,Yukon",
        "Honda": "Accord,City,Civic,CR-V,Fit,HR-V,Insight,Odyssey,Passport,Pilot,Prelude,Ridgeline,S2000",
        "Hyundai": "Accent,Elantra,Ioniq 5,Ioniq 6,Kona,Palisade,Santa Fe,Sonata,Tucson,Veloster,Venue",
        "Infiniti": "G35,Q50,Q60,QX50,QX60,QX80",
        "Jaguar": "E-Pace,E-Type,F-Pace,F-Type,I-Pace,XE,XF,XJ",
        "Jeep": "Cherokee,Compass,Gladiator,Grand Cherokee,Renegade,Wrangler",
        "Kia": "Carnival,EV6,EV9,Forte,K5,Niro,Optima,Rio,Seltos,Sorento,Soul,Sportage,Stinger,Telluride",
        "Koenigsegg": "Agera,Jesko,Regera",
        "Lamborghini": "Aventador,Countach,Diablo,Gallardo,Huracan,Murcielago,Revuelto,Urus",
        "Lancia": "Delta,Stratos,Ypsilon",
        "Land Rover": "Defender,Discovery,Discovery Sport,Range Rover,Range Rover Evoque,Range Rover Sport",
        "Lexus": "ES,GX,IS,LC,LFA,LS,LX,NX,RX,UX",
        "Lincoln": "Aviator,Continental,Corsair,Nautilus,Navigator,Town Car",
        "Lotus": "Elise,Emira,Esprit,Evija,Evora,Exige",
        "Lucid": "Air,Gravity",
        "Maserati": "Ghibli,GranTurismo,Grecale,Levante,MC20,Quattroporte",
        "Mazda": "2,3,6,CX-3,CX-30,CX-5,CX-9,CX-90,Miata,MX-5,MX-5 Miata,RX-7,RX-8",
        "McLaren": "570S,650S,720S,765LT,Artura,F1,P1",
        "Mercedes-Benz": "A-Class,C-Class,CLA,CLS,E-Class,EQS,G-Class,GLA,GLC,GLE,GLS,S-Class,SL,SLS AMG,Sprinter",
        "MG": "HS,MG4,ZS",
        "Mini": "Clubman,Cooper,Cooper S,Countryman",
        "Mitsubishi": "Eclipse,Eclipse Cross,Lancer,Lancer Evolution,Mirage,Outlander,Pajero",
        "Nissan": "350Z,370Z,Altima,Ariya,Frontier,GT-R,Juke,Kicks,Leaf,Maxima,Micra,Murano,Pathfinder,Qashqai,Rogue,Sentra,"
        "Skyline,Titan,Versa,X-Trail",
        "Opel": "Astra,Corsa,Insignia,Mokka",
        "Pagani": "Huayra,Zonda",
        "Peugeot": "206,207,208,2008,3008,308,5008,508",
        "Polestar": "1,2,3,4",
        "Pontiac": "Bonneville,Firebird,Grand Am,GTO,Trans Am",
        "Porsche": "356,718 Boxster,718 Cayman,911,918 Spyder,Boxster,Carrera GT,Cayenne,Cayman,Macan,Panamera,Taycan",
        "Ram": "1500,2500,3500",
        "Renault": "Captur,Clio,Duster,Kadjar,Megane,Scenic,Twingo,Zoe",
        "Rivian": "R1S,R1T",
        "Rolls-Royce": "Cullinan,Dawn,Ghost,Phantom,Spectre,Wraith",
        "Saab": "900,9-3,9-5",
        "Seat": "Arona,Ateca,Ibiza,Leon",
        "Skoda": "Fabia,Kodiaq,Octavia,Superb",
        "Smart": "Forfour,Fortwo",
        "Subaru": "Ascent,BRZ,Crosstrek,Forester,Impreza,Legacy,Outback,WRX,WRX STI",
        "Suzuki": "Jimny,Swift,Vitara",
        "Tesla": "Cybertruck,Model 3,Model S,Model X,Model Y,Roadster",
        "Toyota": "4Runner,86,Avalon,Aygo,Camry,Celica,C-HR,Corolla,GR86,Highlander,Hilux,Land Cruiser,Mirai,Prius,RAV4,"
        "Sequoia,Sienna,Supra,Tacoma,Tundra,Venza,Yaris",
        "Volkswagen": "Arteon,Atlas,Beetle,Golf,Golf GTI,ID.3,ID.4,Jetta,Passat,Polo,T-Roc,Taos,Tiguan,Touareg,Up",
        "Volvo": "240,S60,S90,V60,V90,XC40,XC60,XC90",
    }.items()
}

CAR_BRANDS = (
    *CAR_MODELS,
    "BYD",
    "Cupra",
    "Dacia",
    "Daihatsu",
    "DeLorean",
    "Geely",
    "Holden",
    "Hummer",
    "Isuzu",
    "Lada",
    "Mahindra",
    "Maybach",
    "Mercury",
    "NIO",
    "Oldsmobile",
    "Plymouth",
    "Saturn",
    "Scion",
    "Studebaker",
    "Tata",
    "Vauxhall",
    "Xpeng",
)
# Another name -> the brand.
CAR_ALIASES = {"Chevy": "Chevrolet", "Mercedes": "Mercedes-Benz", "VW": "Volkswagen"}
