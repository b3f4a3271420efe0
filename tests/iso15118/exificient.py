"""
EXIficient, the reference implementation of EXI, as an independent judge of our codec.

It is in the jar of the development dependency ``iso15118``, with grammars made from the XSDs of ISO
15118, and runs in a Java process. The jar's own JSON interface rewrites algorithm URIs and encodes
some fragments as documents, so its core classes are driven instead, with XML.
"""

import shutil
from pathlib import Path
from typing import Any

import iso15118
from py4j.java_gateway import JavaGateway

from tests.waiting import SECONDS

JAR = Path(iso15118.__file__).parent / "shared" / "EXICodec.jar"
has_java = shutil.which("java") is not None


class Exificient:
    """
    An EXI codec for documents and fragments, set up as ISO 15118 demands.

    Grammars: ``iso2`` (ISO 15118-2), ``xmldsig`` (XML Signature alone), ``iso20`` (ISO 15118-20
    CommonMessages), ``din`` (DIN SPEC 70121), ``app`` (supportedAppProtocol).
    """

    CLASSES = {  # noqa: RUF012
        "iso2": "ISO15118_2Grammar",
        "xmldsig": "XMLDSIG_Core_Schema_Grammar",
        "iso20": "ISO15118_20_V2G_CI_CommonMessages",
        "din": "DINSpec_70121",
        "app": "CommonAppProtocol",
    }

    def __init__(self) -> None:
        self._gateway = JavaGateway.launch_gateway(
            classpath=str(JAR), die_on_exit=True, javaopts=["-Xmx256m", "-XX:TieredStopAtLevel=1"]
        )
        self._jvm = self._gateway.jvm
        self._exi = self._jvm.com.siemens.ct.exi
        self._grammars: dict[str, Any] = {}

    def close(self) -> None:
        process = self._gateway.java_process
        self._gateway.shutdown()
        for stream in (process.stdin, process.stdout):
            stream.close()
        process.wait(SECONDS)

    def encode(self, xml: str, grammar: str = "iso2", *, fragment: bool = False) -> bytes:
        """XML text to EXI; values that do not fit their type are encoded as untyped ones."""
        output = self._jvm.java.io.ByteArrayOutputStream()
        result = self._exi.main.api.sax.EXIResult(self._factory(grammar, fragment))
        result.setOutputStream(output)
        parsers = self._jvm.javax.xml.parsers.SAXParserFactory.newInstance()
        parsers.setNamespaceAware(True)
        reader = parsers.newSAXParser().getXMLReader()
        reader.setContentHandler(result.getHandler())
        stream = self._jvm.java.io.ByteArrayInputStream(xml.encode())
        reader.parse(self._jvm.org.xml.sax.InputSource(stream))
        return bytes(output.toByteArray())

    def decode(self, exi: bytes, grammar: str = "iso2", *, fragment: bool = False) -> str:
        """EXI to XML text."""
        source = self._exi.main.api.sax.EXISource(self._factory(grammar, fragment))
        stream = self._jvm.java.io.ByteArrayInputStream(exi)
        source.setInputSource(self._jvm.org.xml.sax.InputSource(stream))
        writer = self._jvm.java.io.StringWriter()
        transformers = self._jvm.javax.xml.transform.TransformerFactory.newInstance()
        result = self._jvm.javax.xml.transform.stream.StreamResult(writer)
        transformers.newTransformer().transform(source, result)
        return str(writer.toString())

    def _factory(self, grammar: str, fragment: bool) -> Any:
        if grammar not in self._grammars:
            classes = self._exi.main.generatedgrammar
            self._grammars[grammar] = getattr(classes, self.CLASSES[grammar])()
        factory = self._exi.core.helpers.DefaultEXIFactory.newInstance()
        factory.setValuePartitionCapacity(0)
        factory.setValueMaxLength(0)
        factory.setMaximumNumberOfBuiltInElementGrammars(0)
        factory.setMaximumNumberOfBuiltInProductions(0)
        factory.setGrammars(self._grammars[grammar])
        factory.setFragment(fragment)
        return factory
