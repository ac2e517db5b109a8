"""What is quoted on markets, by the names that headlines give it: 纳指, 纳斯达克综合指数.

General knowledge, nothing learnt: indices, metals, energy, farm goods, currencies and bonds that
are quoted daily. One and the same thing has one key, wherever it is traded (沪铜, 伦铜), as its
prices move together. Names of which everyday words are made are left out (铜 in 铜牌).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_NAMES = {
    # indices
    "sse": "沪指 上证指数 上证综指 上证综合指数",
    "szse": "深成指 深证成指 深证成份指数",
    "chinext": "创业板指 创业板指数 创指",
    "star": "科创50 科创板50 科创综指 科创板指数",
    "bse": "北证50",
    "csi": "沪深300 中证500 中证1000 中证2000 上证50 中证a500",
    "hsi": "恒指 恒生指数 恒生指",
    "hstech": "恒生科技 恒科指 恒科",
    "hscei": "国企指数 恒生国企",
    "a50": "富时中国a50 富时a50 a50期指 a50期货",
    "nasdaq": "纳指 纳斯达克涨 纳斯达克跌 纳斯达克综合指数 纳斯达克综指 纳斯达克指数 纳斯达克100",
    "dragon": "纳斯达克中国金龙 纳斯达克金龙 中国金龙 金龙中国 金龙指数 中概指数",
    "spx": "标普500 标普指数 标普跌 标普涨 标普期指",
    "dow": "道指 道琼斯 道琼工业",
    "russell": "罗素2000",
    "sox": "费城半导体 费半 半导体指数",
    "vix": "恐慌指数 vix",
    "nikkei": "日经225 日经指数 日经平均 日经",
    "topix": "东证指数 东证股指 topix",
    "kospi": "kospi 韩国综合指数 韩国综合股价 韩国综指 韩综指",
    "taiex": "台湾加权指数 台股加权 台湾加权",
    "nifty": "nifty sensex 印度孟买 孟买30",
    "dax": "dax",
    "ftse": "富时100 英国富时",
    "cac": "cac40 法国cac",
    "stoxx": "斯托克50 斯托克600 欧洲斯托克 stoxx",
    # metals
    "gold": "黄金 沪金 金价 纽金 伦敦金 现货金 金银 现货金银",
    "silver": "白银 沪银 银价 纽银 伦敦银 现货银 金银 现货金银",
    "platinum": "铂",
    "palladium": "钯",
    "copper": "沪铜 伦铜 纽铜 国际铜 铜价 铜期货 期铜 comex铜",
    "tin": "沪锡 伦锡 锡价 期锡",
    "nickel": "沪镍 伦镍 镍价 期镍",
    "aluminium": "沪铝 伦铝 铝价 期铝 氧化铝",
    "zinc": "沪锌 伦锌 锌价 期锌",
    "lead": "沪铅 伦铅 铅价 期铅",
    "lithium": "碳酸锂",
    "silicon": "多晶硅 工业硅",
    "iron": "铁矿石 铁矿",
    "steel": "螺纹钢 热卷 不锈钢期货",
    # energy, chemistry
    "oil": "原油 油价 布油 美油 布伦特 wti",
    "fuel": "燃油 燃料油",
    "bitumen": "沥青",
    "coal": "焦煤 焦炭 动力煤",
    "gas": "天然气",
    "glass": "玻璃期货 纯碱",
    "chemistry": "甲醇 pvc pta 聚丙烯 乙二醇 苯乙烯 尿素 烧碱",
    "rubber": "橡胶",
    # farm goods
    "soy": "大豆 豆粕 豆油",
    "palm": "棕榈油",
    "maize": "玉米",
    "cotton": "棉花 棉纱",
    "sugar": "白糖",
    "hogs": "生猪",
    "coffee": "咖啡期货 阿拉比卡",
    "cocoa": "可可",
    "shipping": "集运 波罗的海干散货",
    # money
    "bitcoin": "比特币 btc",
    "ether": "以太坊 以太币 eth",
    "dollar": "美元指数 美指",
    "yen": "日元",
    "pound": "英镑",
    "euro": "欧元",
    "won": "韩元",
    "ruble": "卢布",
    "rupee": "卢比",
    "yuan": "人民币中间价 人民币汇率 在岸人民币 离岸人民币 人民币兑",
    "treasury": "美债 美国国债",
    "jgb": "日债 日本国债",
    "bund": "德债 德国国债",
    "gilt": "英债 英国国债",
    "cgb": "国债期货",
}
_NO_QUOTES = "白银市 白银区 黄金周 黄金股 黄金时 黄金段 黄金珠宝 黄金首饰 黄金档"
"""Which a quoted thing gives its name, and does not move with it."""

_KEYS: Mapping[str, Sequence[str]] = {
    **{
        name: tuple(key for key, names in _NAMES.items() if name in names.split())
        for name in " ".join(_NAMES.values()).split()
    },
    **dict.fromkeys(_NO_QUOTES.split(), ()),
}
_NAME = re.compile("|".join(sorted(_KEYS, key=lambda name: (-len(name), name))))


def quotes(title: str) -> tuple[str, ...]:
    """The keys of what a folded title names, in its order, once each."""
    return tuple(dict.fromkeys([key for name in _NAME.findall(title) for key in _KEYS[name]]))
