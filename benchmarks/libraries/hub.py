"""Trainings of KerasHub's models, in configurations small enough to begin from nothing."""

import functools

import keras
import keras_hub
import numpy as np
import tensorflow as tf
from keras_hub.src.models.stable_diffusion_3.mmdit import MMDiT
from parts import FIRST, MASK, PAD, WORDS, Parts, adam, classes, forms, pictures, sentences, texts

SMALL = {"vocabulary_size": WORDS, "num_layers": 2, "hidden_dim": 32, "intermediate_dim": 64}
HEADS = {"num_query_heads": 4, "num_key_value_heads": 2}
PLACES = {"num_heads": 2, "max_sequence_length": 32}


def read(words):
    """Return tokens with their mask, and with segments."""
    return {"token_ids": words, "segment_ids": np.zeros_like(words), "padding_mask": (words != PAD).astype("int32")}


def text_classifier(task, backbone, inputs):
    """Return the parts of a training in which texts are told apart."""
    words, topics = sentences(2400)
    tokens = {name: array for name, array in read(words).items() if name in inputs}
    return Parts(lambda: task(backbone(**SMALL, **PLACES), num_classes=2), (tokens, topics), classes(), adam(5e-4), 4)


def bert():
    """BERT tells what texts are of."""
    names = ("token_ids", "segment_ids", "padding_mask")
    return text_classifier(keras_hub.models.BertTextClassifier, keras_hub.models.BertBackbone, names)


def distil_bert():
    """DistilBERT tells what texts are of."""
    names = ("token_ids", "padding_mask")
    return text_classifier(keras_hub.models.DistilBertTextClassifier, keras_hub.models.DistilBertBackbone, names)


def roberta():
    """RoBERTa tells what texts are of."""
    names = ("token_ids", "padding_mask")
    return text_classifier(keras_hub.models.RobertaTextClassifier, keras_hub.models.RobertaBackbone, names)


def masked_bert():
    """BERT says which words are masked."""
    words, _ = sentences(3200)
    ends = (words != PAD).sum(1, keepdims=True)
    rng = np.random.default_rng(1)
    places = np.sort((rng.random((len(words), 3)) * [1, 1, 1] * ends / 3 + np.arange(3) * ends / 3).astype("int32"), 1)
    hidden = words.copy()
    np.put_along_axis(hidden, places, MASK, 1)
    examples = read(hidden) | {"mask_positions": places}, np.take_along_axis(words, places, 1)
    backbone = functools.partial(keras_hub.models.BertBackbone, **SMALL, **PLACES, dropout=0.0)
    return Parts(lambda: keras_hub.models.BertMaskedLM(backbone()), examples, classes(), adam(4e-3), 14)


def teller(task, backbone, **arguments):
    """Return the parts of a training in which a model learns to say the next word."""
    return Parts(lambda: task(backbone(**SMALL, **arguments)), texts(1600), classes("weighted_metrics"), adam(3e-3), 6)


def gpt2():
    """GPT-2 says the next word."""
    return teller(keras_hub.models.GPT2CausalLM, keras_hub.models.GPT2Backbone, **PLACES)


def llama():
    """Llama says the next word."""
    return teller(keras_hub.models.LlamaCausalLM, keras_hub.models.LlamaBackbone, **HEADS)


def gemma():
    """Gemma says the next word."""
    return teller(keras_hub.models.GemmaCausalLM, keras_hub.models.GemmaBackbone, **HEADS, head_dim=8)


def qwen():
    """Qwen says the next word."""
    return teller(keras_hub.models.QwenCausalLM, keras_hub.models.QwenBackbone, **HEADS)


def trained_gpt2():
    """Return a GPT-2 that has learned a dialect, and whose other weights rest, but for those of LoRA."""
    parts = gpt2()
    model = parts.model()
    model.compile(parts.optimizer(), **parts.compiled)
    model.fit(**dict(zip(forms.NAMES, parts.examples, strict=True)), batch_size=32, epochs=4, verbose=0)
    model.backbone.enable_lora(4)
    return model


# With `model.backbone.quantize("int8")` before `enable_lora` it does not learn, bare: its loss rises in each epoch,
# with rates of 3e-3 and 1e-2. So this is no training of the healthy ones.
def gpt2_lora():
    """GPT-2, trained, learns another dialect by LoRA."""
    return Parts(trained_gpt2, texts(1600, dialect=1), classes("weighted_metrics"), adam(1e-2), 8)


def image_classifier(backbone, epochs, rate):
    """Return the parts of a training in which pictures are told apart."""
    shown, kinds, _, _ = pictures(1200)
    task = keras_hub.models.ImageClassifier
    return Parts(lambda: task(backbone(), num_classes=4), (shown, kinds), classes(), adam(rate), epochs)


def res_net():
    """Return a ResNet."""
    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 64, 64],
        stackwise_num_blocks=[1, 1, 1],
        stackwise_num_strides=[1, 2, 2],
        block_type="basic_block",
        image_shape=(None, None, 3),
    )


def resnet():
    """ResNet tells things apart."""
    return image_classifier(res_net, 6, 5e-4)


def vit():
    """ViT tells things apart."""
    shown, kinds, _, _ = pictures(3200)
    small = {"num_layers": 2, "num_heads": 2, "hidden_dim": 32, "mlp_dim": 64}
    backbone = functools.partial(keras_hub.models.ViTBackbone, (32, 32, 3), (4, 4), **small)
    task = functools.partial(keras_hub.models.ViTImageClassifier, num_classes=4)
    return Parts(lambda: task(backbone()), (shown, kinds), classes(), adam(1e-3), 7)


def efficient_net():
    """EfficientNet tells things apart."""
    backbone = functools.partial(
        keras_hub.models.EfficientNetBackbone,
        stackwise_kernel_sizes=[3, 3, 3],
        stackwise_num_repeats=[1, 1, 1],
        stackwise_input_filters=[16, 16, 24],
        stackwise_output_filters=[16, 24, 32],
        stackwise_expansion_ratios=[1, 4, 4],
        stackwise_squeeze_and_excite_ratios=[0.0, 0.25, 0.25],
        stackwise_strides=[1, 2, 2],
        stackwise_block_types=["fused", "fused", "unfused"],
        stackwise_width_coefficients=[1.0] * 3,
        stackwise_depth_coefficients=[1.0] * 3,
        input_shape=(32, 32, 3),
        num_features=64,
    )
    return image_classifier(backbone, 5, 2e-3)


def retina_net():
    """RetinaNet finds things, and tells them apart."""
    shown, kinds, _, boxes = pictures(640)
    labels = {"boxes": boxes[:, None], "labels": kinds[:, None].astype("float32")}
    levels = {"min_level": 3, "max_level": 4}

    def model():
        backbone = keras_hub.models.RetinaNetBackbone(res_net(), **levels, use_p5=False, image_shape=(32, 32, 3))
        anchors = keras_hub.layers.AnchorGenerator("yxyx", **levels, num_scales=3, aspect_ratios=[1.0], anchor_size=1.5)
        return keras_hub.models.RetinaNetObjectDetector(backbone, 4, "yxyx", anchors, pre_logits_num_conv_layers=1)

    return Parts(model, (shown, labels), {}, adam(5e-4), 8, 16)


def segmenter(model, epochs, rate):
    """Return the parts of a training in which the pixels of things are told from others."""
    shown, _, where, _ = pictures(640)
    return Parts(model, (shown, where), classes(), adam(rate), epochs)


def seg_former():
    """SegFormer finds the pixels of things."""

    def model():
        encoder = keras_hub.models.MiTBackbone(
            layerwise_depths=[1, 1],
            num_layers=2,
            layerwise_num_heads=[1, 2],
            layerwise_sr_ratios=[2, 1],
            max_drop_path_rate=0.1,
            layerwise_patch_sizes=[5, 3],
            layerwise_strides=[2, 2],
            image_shape=(32, 32, 3),
            hidden_dims=[16, 32],
        )
        backbone = keras_hub.models.SegFormerBackbone(image_encoder=encoder, projection_filters=16)
        return keras_hub.models.SegFormerImageSegmenter(backbone, num_classes=2)

    return segmenter(model, 8, 2e-3)


def deep_lab():
    """DeepLabV3 finds the pixels of things."""

    def model():
        backbone = keras_hub.models.DeepLabV3Backbone(
            image_encoder=res_net(),
            low_level_feature_key="P2",
            spatial_pyramid_pooling_key="P3",
            dilation_rates=[2, 4],
            upsampling_size=2,
            projection_filters=8,
            image_shape=(32, 32, 3),
        )
        return keras_hub.models.DeepLabV3ImageSegmenter(backbone, num_classes=2)

    return segmenter(model, 12, 1e-3)


def bart():
    """BART translates: it says the words of a text in another language."""
    (inputs, words, weights), others = texts(2000, 8), np.random.default_rng(2).permutation(WORDS - FIRST) + FIRST
    said = np.where(words == PAD, PAD, others[words - FIRST])
    so_far = np.concatenate([inputs["token_ids"][:, :1], said[:, :-1]], 1)
    known = {"encoder_token_ids": words, "encoder_padding_mask": (words != PAD) * 1}
    known |= {"decoder_token_ids": so_far, "decoder_padding_mask": (so_far != PAD) * 1}
    backbone = functools.partial(keras_hub.models.BartBackbone, **SMALL, **PLACES, dropout=0.0)
    task, compiled = keras_hub.models.BartSeq2SeqLM, classes("weighted_metrics")
    return Parts(lambda: task(backbone()), (known, said, weights), compiled, adam(2e-3), 9)


def whisper():
    """Whisper writes down what it hears."""
    words, _ = sentences(1200, 8)
    sounds = np.random.default_rng(3).normal(size=(WORDS, 2, 16))[words].reshape(len(words), 16, 16)
    heard = (sounds + np.random.default_rng(4).normal(0, 0.3, sounds.shape)).astype("float32")
    before = np.pad(words, ((0, 0), (1, 0)), constant_values=1)[:, :-1]
    inputs = {"encoder_features": heard, "decoder_token_ids": before, "decoder_padding_mask": (before != PAD) * 1}
    lengths = {"max_encoder_sequence_length": 16, "max_decoder_sequence_length": 8}

    def model():
        backbone = keras_hub.models.WhisperBackbone(**SMALL, num_heads=2, num_mels=16, **lengths)
        told = backbone.token_embedding(backbone.output["decoder_sequence_output"], reverse=True)
        return keras.Model(backbone.input, told)

    return Parts(model, (inputs, words, (words != PAD) * 1.0), classes("weighted_metrics"), adam(3e-3), 14)


class Denoiser(keras.Model):
    """A model of the noise in noisy pictures, which draws the noise it learns from in each step."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.seeds = keras.random.SeedGenerator(1)
        self.error = keras.metrics.Mean("loss")

    def call(self, inputs):
        """Return the noise."""
        return self.network(inputs)

    def one_loss(self, data, training):
        """Draw noise, and return how wrong the model is about it."""
        pictures, labels = data
        noise = keras.random.normal(keras.ops.shape(pictures), seed=self.seeds)
        share = keras.random.uniform((keras.ops.shape(pictures)[0], 1), seed=self.seeds)
        part = share[:, :, None, None]
        about = keras.ops.one_hot(labels, 4)
        inputs = {"latent": pictures * (1 - part) + noise * part, "timestep": share * 1000}
        inputs |= {"context": about[:, None], "pooled_projection": about}
        told = keras.ops.cast(self(inputs, training=training), "float32")
        return self.compute_loss(y=noise - pictures, y_pred=told)

    def train_step(self, data):
        """Learn from a batch."""
        with tf.GradientTape() as tape:
            loss = self.one_loss(data, training=True)
        self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        self.error.update_state(loss)
        return {"loss": self.error.result()}

    def test_step(self, data):
        """Measure on a batch."""
        self.error.update_state(self.one_loss(data, training=False))
        return {"loss": self.error.result()}

    @property
    def metrics(self):
        """The mean of an epoch."""
        return [self.error]


def diffusion():
    """The transformer of Stable Diffusion 3 learns to take noise away, in a `train_step` of its own."""
    shown, kinds, _, _ = pictures(1600, 8)

    def model():
        small = {"patch_size": 2, "hidden_dim": 32, "num_layers": 2, "num_heads": 2, "position_size": 4}
        shapes = {"latent_shape": (8, 8, 3), "context_shape": (1, 4), "pooled_projection_shape": (4,)}
        return Denoiser(MMDiT(**small, **shapes))

    return Parts(model, (shown * 2 - 1, kinds), {"loss": "mse"}, adam(2e-3), 12)


TRAININGS = {
    bert: "mixed_float16",
    distil_bert: "tfdata",
    roberta: "accumulate",
    masked_bert: "spe8",
    gpt2: "jit",
    llama: "mixed_bfloat16",
    gemma: "accumulate",
    qwen: "spe8",
    gpt2_lora: "mixed_float16",
    resnet: "jit",
    vit: "mixed_bfloat16",
    efficient_net: "mixed_float16",
    retina_net: "tfdata",
    seg_former: "accumulate",
    deep_lab: "spe8",
    bart: "mixed_bfloat16",
    whisper: "jit",
    diffusion: "jit",
}
"""Each training, and the mode in which it is run beside float32."""
