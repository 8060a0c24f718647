"""명령이 왜 있는지, 한국어로.  문장마다 명령이 다루는 값 하나를 설명한다.

Why a command is there, in Korean.  Values are followed by a noun or by a particle that has one
form, because 은/는, 이/가 and 을/를 depend on how a value is read aloud.
"""

from collections.abc import Mapping
from typing import Final

from plugin.model.commands import Setting, Step, Topic
from plugin.model.nat import (
    DockerPublishes,
    HostSeenAs,
    Masquerade,
    Published,
    SourceNat,
    UserMasquerades,
)
from plugin.model.spanning import EncryptedNetwork, OwnGateway, PeerHost, SpannedNetwork
from plugin.model.speakers import (
    ContainerAddress,
    ForgedSource,
    GatewayContainer,
    HeardOnShim,
    SpeaksAs,
    SpeaksFrom,
)
from plugin.model.traffic import (
    AdoptedSubnet,
    Barred,
    DockerBridge,
    Exposure,
    HostService,
    OpenPort,
    OtherBridge,
    Reach,
    Role,
    Subnet,
    TrustedLink,
)

WHY: Final[Mapping[Topic, str]] = {
    Step.PARENT: "{0} 링크가 먼저 있어야 합니다. 이 네트워크를 위해 pynet이 만들지는 않습니다",
    Step.RULES: "inet pynet 테이블과 bridge pynet 테이블입니다. 규칙은 모든 호스트에서 같습니다",
    Step.BRIDGE: "소프트웨어 스위치입니다. 컨테이너들을 서로, 그리고 호스트와 연결합니다",
    Step.ADOPTABLE: "소프트웨어 스위치입니다. {0.ifname} 링크가 이미 있으면 그대로 사용합니다",
    Step.DUMMY: "어디로도 이어지지 않는 부모 링크입니다. 컨테이너들은 서로에게만 도달합니다",
    Step.VLAN: "{0.parent} 링크에서 VLAN {0.number}의 프레임을 받습니다. 여러 네트워크가 함께 쓸 수 있습니다",
    Step.SHIM: "{0.parent} 위에 있는 호스트의 링크입니다. 부모 링크로는 그 위의 컨테이너에 도달하지 못합니다",
    Step.VETH: "소프트웨어 케이블입니다. {0.ifname} 쪽은 호스트에 남고 {0.peer} 쪽은 컨테이너로 들어갑니다",
    Step.PLUG: "{0.ifname} 링크를 {0.master} 스위치에 꽂고 켭니다",
    Step.PROTOCOLS: "프로토콜 프레임도 전달합니다. 그러지 않으면 브리지가 검사 없이 호스트에 넘깁니다",
    Step.MACVLAN: "고유한 MAC 주소를 가진 링크입니다. {0.parent} 위의 별개 장비처럼 보입니다",
    Step.IPVLAN: "{0.parent} 링크의 MAC 주소와 고유한 IP 주소를 쓰는 링크입니다",
    Step.OWNER: "{0.ifname} 링크의 소유자를 별칭에 적습니다. 나중에 시작한 플러그인이 알아봅니다",
    Step.UP: "꺼져 있는 링크는 아무것도 나르지 않습니다",
    Step.HAND_OVER: "Docker가 {0} 링크를 컨테이너로 옮기고, 이름을 바꾸고, 주소와 경로를 추가합니다",
    Step.HAIRPIN: "컨테이너가 자신이 공개한 포트로 자기 자신에게 도달할 수 있게 합니다",
    Step.IFB: "커널은 나가는 트래픽만 제한합니다. 들어온 트래픽을 먼저 이 링크로 내보냅니다",
    Step.INGRESS: "{0.source} 링크가 받는 트래픽에 필터를 걸 자리입니다",
    Step.REDIRECT: "{0.source} 링크가 받는 모든 것을 {0.ifname} 링크로 보냅니다",
    Step.RATE: "{0.ifname} 링크에서 초당 최대 {0.rate}비트가 나갑니다",
    Step.WIREGUARD: "암호화하는 링크입니다. {0.local} 주소와 이 포트의 암호화 네트워크들이 함께 씁니다",
    Step.WIREGUARD_KEY: "키는 PYNET_SECRET에서 나오거나 이 호스트의 것(wireguard.key)입니다. 여기에는 표시하지 않으므로 파일에 따로 적습니다",
    Step.WIREGUARD_ADDRESS: "암호화 터널 안에서 쓰는 호스트의 주소입니다. {0.local} 주소에서 만듭니다",
    Step.WIREGUARD_PEER: "{0.endpoint} 호스트로 암호화하고, 그 호스트에서는 {0.inner} 주소만 받아들입니다",
    Step.VXLAN: "{0.master} 브리지의 포트입니다. 번호 {0.vni}번으로 프레임을 UDP에 담아 다른 호스트로 나릅니다",
    Step.FLOOD: "모두에게 보내는 프레임과 수신자를 모르는 프레임을 {0.peer} 호스트에도 보냅니다",
    Step.ADDRESS: "{0.ifname} 링크에 있는 호스트의 주소입니다",
    Step.NEIGHBOUR: "컨테이너의 MAC 주소입니다. 호스트가 LAN에 물어보지 않게 합니다",
    Step.ROUTE: "호스트가 컨테이너로 가는 경로입니다. 호스트는 {0.source} 주소를 씁니다",
    Step.LOOPBACK: "127.0.0.1의 포트가 {0.ifname} 링크의 컨테이너로 이어질 수 있게 합니다",
    Step.HOST_PORT: (
        "{0.address} 주소의 {0.protocol.text} 포트 {0.port}번은 pynet 프로세스가 잡고 있습니다. 명령은 없습니다"
    ),
    Step.PROXIED_PORT: (
        "pynet 프록시가 {0.held.address} 주소의 포트 {0.held.port}번을 {0.address} 주소로 나릅니다. 명령은 없습니다"
    ),
    Setting.FORWARD_IPV4: "호스트가 링크 사이에서 IPv4 패킷을 전달합니다",
    Setting.FORWARD_IPV6: "호스트가 링크 사이에서 IPv6 패킷을 전달합니다",
    Setting.NO_ADVERTISEMENTS: "라우터 광고를 무시합니다. 컨테이너가 보낼 수도 있기 때문입니다",
    Setting.NO_DETECTION: "주소 중복 검사를 기다리지 않습니다. 다른 누구도 그 주소를 쓰지 않습니다",
    Setting.IPV6_ON: "호스트의 기본값과 상관없이 이 링크에서 IPv6을 켭니다",
    Setting.IPV6_OFF: "이 링크에서 IPv6을 끕니다. 그러지 않으면 링크가 스스로 주소를 갖습니다",
    Setting.ARP_FILTER: "호스트가 이 링크로 보내는 주소에 대해서만 ARP에 응답합니다",
    Setting.ARP_IGNORE: "이 링크의 주소에 대해서만 ARP에 응답합니다",
    Setting.ANNOUNCE_IPV4: "호스트가 게이트웨이의 IPv4 주소를 넘겨받으면 이웃에게 알립니다",
    Setting.ANNOUNCE_IPV6: "호스트가 게이트웨이의 IPv6 주소를 넘겨받으면 이웃에게 알립니다",
    Role.NETWORK: "{0.link} 링크는 컨테이너로 이어집니다. 컨테이너에 대한 규칙을 적용합니다",
    Role.CONNECTED: "{0.link} 링크의 컨테이너들은 서로 도달합니다",
    Role.APART: "{0.link} 링크의 컨테이너들은 서로 도달하지 못합니다 (icc=false)",
    Role.ADOPTED: "{0.link} 링크는 네트워크보다 먼저 있었습니다. 컨테이너가 아닌 것도 함께 씁니다",
    Role.INTERNAL: "{0.link} 링크의 컨테이너들은 바깥에 도달하지 못합니다 (--internal)",
    Role.STRICT: "{0.link} 링크의 컨테이너들은 공개된 포트로도 다른 네트워크에 도달하지 못합니다",
    Role.OPEN: "{0.link} 링크는 마찬가지로 열린 다른 네트워크에 열려 있습니다 (isolation=off)",
    Role.HOST_CLOSED: "{0.link} 링크의 컨테이너들은 호스트의 지정된 서비스에만 도달합니다",
    Role.SHIM: "{0.link} 링크는 부모 위에 있는 호스트의 링크입니다. 아는 컨테이너의 패킷만 받습니다",
    Role.GUARDED: "{0.link} 링크는 그 컨테이너가 보내도 되는 것만 나릅니다 (spoof_guard)",
    Role.SEPARATE: "{0.link} 링크는 다른 컨테이너와 프레임을 주고받지 않습니다 (icc=false)",
    Role.TUNNEL: "{0.link} 링크는 다른 호스트로 이어집니다. 그곳의 컨테이너는 그 호스트가 검사합니다",
    Exposure.PING: "{0.bridge} 링크의 IPv{0.version} 컨테이너들은 바깥의 ping에 응답합니다 (routed)",
    Exposure.EVERYTHING: (
        "{0.bridge} 링크의 IPv{0.version} 컨테이너들은 모든 포트가 열려 있습니다 (nat-unprotected)"
    ),
    Barred.CLOSED_NETWORKS: "internal과 strict 네트워크는 프록시가 나르는 {0.where} 포트에 도달하지 못합니다",
    Barred.EVERY_NETWORK: "strict 네트워크의 포트이므로 어떤 네트워크도 {0.where} 포트에 도달하지 못합니다",
    TrustedLink: "{0.link} 링크로 들어온 것은 {0.bridge} 링크의 모든 컨테이너에 도달합니다",
    Reach: "{0.source} 주소는 그래도 {0.destination} 주소에 도달합니다 (icc_allow)",
    Subnet: "{0.prefix} 서브넷은 네트워크의 것입니다. 다른 네트워크의 접근을 막습니다",
    AdoptedSubnet: "{0.prefix} 서브넷에는 컨테이너가 아닌 것도 있을 수 있습니다",
    OpenPort: "{0.where} 포트는 경로가 있는 모든 호스트에 열려 있습니다 (routed)",
    HostService: "{0.link} 링크의 컨테이너들은 호스트의 {0.port}/{0.protocol.text} 포트에 도달합니다",
    DockerBridge: "{0.bridge} 링크는 Docker의 브리지입니다",
    OtherBridge: "{0.bridge} 링크는 다른 프로그램의 브리지입니다",
    Masquerade: "{0.prefix} 서브넷은 바깥에서 호스트의 주소를 씁니다. 바깥 라우터는 이 서브넷을 모릅니다",
    SourceNat: "{0.prefix} 서브넷은 바깥에서 {0.source} 주소를 씁니다",
    HostSeenAs: "{0.container_ip} 컨테이너에게 호스트는 {0.host_ip} 주소입니다. 응답이 맞는 링크로 돌아옵니다",
    UserMasquerades: "IPv{0.version}에서는 사용자의 규칙이 마스커레이드를 결정합니다",
    Published: "호스트의 {0.where} 포트는 {0.target} 포트로 이어집니다",
    DockerPublishes: "{0.prefix} 서브넷의 컨테이너 포트는 Docker가 공개합니다",
    SpeaksAs: "{0.link} 링크의 컨테이너는 MAC 주소 {0.mac_address}만 쓸 수 있습니다",
    SpeaksFrom: "{0.link} 링크의 컨테이너는 주소 {0.address}에서 보낼 수 있습니다",
    HeardOnShim: "호스트는 {0.address} 주소를 MAC 주소 {0.mac_address}에서만 받아들입니다",
    ForgedSource: "{0.link} 링크가 자기 주소 {0.mac_address}에서 받은 것은 위조된 것입니다",
    GatewayContainer: "{0.mac_address} 주소의 컨테이너는 다른 컨테이너가 보낸 것을 전달합니다",
    ContainerAddress: "{0.address} 주소는 브리지를 함께 쓰는 것들 가운데 컨테이너의 것입니다",
    SpannedNetwork: "번호 {0.vni}번, UDP 포트 {0.port}번의 데이터그램은 네트워크의 것입니다",
    EncryptedNetwork: "번호 {0.vni}번, UDP 포트 {0.port}번은 암호화해서만 주고받습니다",
    PeerHost: "{0.address} 호스트는 번호 {0.vni}번, UDP 포트 {0.port}번으로 보낼 수 있습니다",
    OwnGateway: "모든 호스트의 게이트웨이 주소가 {0.address}, 즉 같은 주소입니다. {0.link} 링크는 이를 묻는 요청을 나르지 않습니다",
}
